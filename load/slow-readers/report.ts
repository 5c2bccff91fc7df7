import { showSpread } from '../figures.ts'
import { spreadOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { SlowReadersArguments } from './arguments.ts'
import type { KindAccount } from './readers.ts'
import type { Run, Stretch } from './round.ts'
import type { SlowRound, Truth } from './slow-readers.ts'

export interface SlowReport {
  readonly machine: readonly string[]
  readonly load: SlowReadersArguments
  readonly rounds: readonly SlowRound[]
  readonly truth: Truth
}

const kibibyte = 1024

/** The figures for people: Markdown tables, medians with the lowest and highest round in brackets. */
export function renderSlowReaders({ machine, load, rounds, truth }: SlowReport): string {
  const { subscribers, rate, seconds } = load
  const isIn = truth.isAsPublished ? 'and in the order in which they' : 'BUT NOT AS they'
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'}; median (lowest–highest round).
${subscribers} subscribers of everything, ${rate} events/s; half of them stop for ${seconds} s: of these half do not read, half read and do not acknowledge.

${renderOthers(rounds)}
${renderStopped(rounds, subscribers / 2)}
${renderAccounts(rounds)}${describeComplaints(rounds)}
Kafka holds ${truth.events} events, ${isIn} were published. Missing, repeated or uncovered: trades and ranges of the log; miscounted: quotes that do not replace exactly those that are left out before them.
`
}

function renderOthers(rounds: readonly SlowRound[]): string {
  const row = (name: string, figure: (run: Run) => number, digits: number): string[] => [
    name,
    showSpread(spreadOf(rounds.map(({ control }) => figure(control))), digits),
    showSpread(spreadOf(rounds.map(({ stops }) => figure(stops))), digits),
    showSpread(spreadOf(rounds.map(({ control, stops }) => figure(stops) / figure(control))), 2),
  ]
  const of = (name: string, stretch: (run: Run) => Stretch): string[][] => [
    row(`${name}: others’ p50, ms`, run => stretch(run).latencies.p50Ms, 2),
    row(`${name}: others’ p99, ms`, run => stretch(run).latencies.p99Ms, 1),
    row(`${name}: gateway CPU, cores`, run => stretch(run).cpuMs / 1000 / stretch(run).seconds, 2),
    row(
      `${name}: its core given to others, cores`,
      run => stretch(run).disturbedMs / 1000 / stretch(run).seconds,
      2,
    ),
    row(`${name}: event loop, longest turn, ms`, run => stretch(run).loop.longestMs, 1),
    row(`${name}: CPU of a turn, p99, ms`, run => stretch(run).loop.cpuP99Ms, 1),
    row(`${name}: CPU of a turn, longest, ms`, run => stretch(run).loop.cpuLongestMs, 1),
  ]
  const rows = [
    ...of('standing', ({ standing }) => standing),
    ...of('20 s after', ({ catchingUp }) => catchingUp),
  ]
  return renderTable(['the others', 'nobody stops', 'half stop', 'half ÷ nobody'], rows)
}

function renderStopped(rounds: readonly SlowRound[], stopped: number): string {
  const of = (figure: (round: SlowRound) => number, digits: number): string =>
    showSpread(spreadOf(rounds.map(figure)), digits)
  const more = (figure: (run: Run) => number) => (round: SlowRound) =>
    (figure(round.stops) - figure(round.control)) / stopped / kibibyte
  const kernelOf = ({ control, stops }: SlowRound) =>
    (stops.kernelBytes - control.kernelBytes) / (stopped / 2) / kibibyte
  const caughtUp =
    (kind: KindAccount['kind']) =>
    ({ stops }: SlowRound): number =>
      (stops.accounts.find(account => account.kind === kind)?.caughtUpMs ?? Number.NaN) / 1000
  return renderTable(
    ['a reader that stands', ''],
    [
      ['published meanwhile, MB', of(({ stops }) => stops.standing.latencies.bytes / 1e6, 1)],
      [
        'heap and buffers, KiB',
        of(
          more(({ memory }) => memory.heapUsed + memory.external),
          1,
        ),
      ],
      [
        'RSS, KiB',
        of(
          more(({ memory }) => memory.rss),
          1,
        ),
      ],
      [
        'RSS, highest while catching up, KiB',
        of(
          more(({ catchingUp }) => catchingUp.peakRss),
          1,
        ),
      ],
      ['kernel, both ends, KiB, of one that does not read', of(kernelOf, 0)],
      ['who did not read: s until current', of(caughtUp('unread'), 1)],
      ['who did not acknowledge: s until current', of(caughtUp('unacknowledged'), 1)],
    ],
  )
}

function renderAccounts(rounds: readonly SlowRound[]): string {
  const rows = rounds.flatMap(({ control, stops }, index) => [
    ...control.accounts.map(account => accountRow(`${index + 1}, nobody stops`, account)),
    ...stops.accounts.map(account => accountRow(`${index + 1}, half stop`, account)),
  ])
  const head = [
    'round',
    'readers',
    'looked at',
    'trades',
    'quotes',
    'replaced',
    'most at once',
    'missing',
    'repeated',
    'miscounted',
    'uncovered',
    'not at the end',
    'told',
  ]
  return renderTable(head, rows)
}

function accountRow(name: string, account: KindAccount): string[] {
  const { kind, readers, trades, quotes, replaced, mostReplaced, faults, unfinished, messages } = account
  const { missing, repeated, miscounted, uncovered } = faults
  const told = ['slow', 'replaced', 'snapshot', 'lost', 'error'].flatMap(T =>
    messages[T] === undefined ? [] : [`${T} ${messages[T]}`],
  )
  const counts = [readers, trades, quotes, replaced, mostReplaced, missing, repeated, miscounted, uncovered]
  return [name, kind, ...[...counts, unfinished].map(String), told.join(', ')]
}

function describeComplaints(rounds: readonly SlowRound[]): string {
  const all = rounds.flatMap(({ control, stops }) => [...control.accounts, ...stops.accounts])
  const different = new Set(all.flatMap(({ complaints }) => complaints))
  return [...different]
    .slice(0, 5)
    .map(complaint => `Told: ${complaint}\n`)
    .join('')
}
