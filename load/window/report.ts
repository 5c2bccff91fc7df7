import { showSpread } from '../figures.ts'
import { spreadOf, spreadsOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { WindowArguments } from './arguments.ts'
import type { WindowRound } from './window.ts'
import { type CatchUp, type Way, ways } from './measured.ts'

export interface WindowReport {
  readonly machine: readonly string[]
  readonly load: WindowArguments
  readonly rounds: readonly WindowRound[]
}

const wayText: Readonly<Record<Way, string>> = {
  rows: 'looking at rows, ms',
  chains: 'following chains, ms',
  chosen: 'as chosen, ms',
}

/** The figures for people: Markdown tables. */
export function renderWindow({ machine, load, rounds }: WindowReport): string {
  const { events, symbols } = load
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'} in processes of their own; median (lowest–highest round).
A generated market of ${symbols} symbols and all types of events; one partition with ${events} events.

${renderTaking(rounds)}
What a reader of every event costs until it has caught up, in excerpts of at most 500 events and 65,000 bytes:

${renderReaders(rounds)}
What a reader of the newest of every quote costs until it has caught up:

${renderConflating(rounds)}`
}

function renderTaking(rounds: readonly WindowRound[]): string {
  const taking = spreadsOf(rounds.map(round => ({ ...round.taking })))
  return renderTable(
    ['an event that is taken in', ''],
    [
      ['bytes of JSON', showSpread(taking.eventBytes, 0)],
      ['bytes of memory, after a collection', showSpread(taking.bytesPerEvent, 0)],
      ['bytes by the window’s own account', showSpread(taking.countedBytesPerEvent, 0)],
      ['CPU, µs', showSpread(taking.appendUs, 2)],
      ['CPU, µs, when another one leaves for it', showSpread(taking.rollingUs, 2)],
      ['memory ÷ what the window may take, then', showSpread(taking.rollingMemory, 2)],
      ['longest batch of 500, ms', showSpread(taking.longestBatchMs, 2)],
      ['longest collection, ms', showSpread(taking.longestCollectionMs, 2)],
    ],
  )
}

function renderReaders(rounds: readonly WindowRound[]): string {
  const head = [
    'items wanted',
    'events behind',
    'events read',
    ...ways.map(way => wayText[way]),
    'longest read as chosen, ms',
  ]
  const rows = (rounds[0]?.readers ?? []).map(({ items, behind, byWay }, index) => {
    const of = (way: Way, figure: (measured: CatchUp) => number) =>
      spreadOf(rounds.map(round => figure(round.readers[index]?.byWay[way] ?? byWay[way])))
    return [
      String(items),
      behind.toLocaleString('en-US'),
      byWay.chosen.events.toLocaleString('en-US'),
      ...ways.map(way =>
        showSpread(
          of(way, ({ ms }) => ms),
          2,
        ),
      ),
      showSpread(
        of('chosen', ({ longestReadMs }) => longestReadMs),
        2,
      ),
    ]
  })
  return renderTable(head, rows)
}

function renderConflating(rounds: readonly WindowRound[]): string {
  const rows = (rounds[0]?.conflating ?? []).map(({ behind, newest }, index) => {
    const of = (figure: (measured: CatchUp) => number) =>
      spreadOf(rounds.map(round => figure(round.conflating[index]?.newest ?? newest)))
    return [
      behind.toLocaleString('en-US'),
      newest.events.toLocaleString('en-US'),
      showSpread(
        of(({ ms }) => ms),
        2,
      ),
      showSpread(
        of(({ longestReadMs }) => longestReadMs),
        2,
      ),
    ]
  })
  return renderTable(['events behind', 'events read', 'CPU, ms', 'longest read, ms'], rows)
}
