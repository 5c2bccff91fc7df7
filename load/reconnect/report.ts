import { showSpread } from '../figures.ts'
import { quantileOf, spreadOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { ReconnectArguments } from './arguments.ts'
import type { ReconnectRound } from './reconnect.ts'
import type { Storm } from './round.ts'

export interface ReconnectReport {
  readonly machine: readonly string[]
  readonly load: ReconnectArguments
  readonly rounds: readonly ReconnectRound[]
}

const mebibyte = 2 ** 20

/** The figures for people: a Markdown table, medians with the lowest and highest round in brackets. */
export function renderReconnect({ machine, load, rounds }: ReconnectReport): string {
  const { clients, wanted, rate, lingerMs, seconds } = load
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'}; median (lowest–highest round).
${clients.toLocaleString('en-US')} TLS clients with ${wanted} of 300 symbols each (trades and quotes), ${rate} events/s that gather for ${lingerMs} ms, cut off at once; cursors are ${seconds} s old.

${renderTable(['from the cut until all are back', 'without cursors', 'with cursors', 'with ÷ without'], rowsOf(rounds))}
${rounds.map(describeRound).join('')}${rounds.map(describeReasons).join('')}`
}

function rowsOf(rounds: readonly ReconnectRound[]): string[][] {
  const row = (name: string, figure: (storm: Storm) => number, digits: number): string[] => [
    name,
    showSpread(spreadOf(rounds.map(({ control }) => figure(control))), digits),
    showSpread(spreadOf(rounds.map(({ cursors }) => figure(cursors))), digits),
    showSpread(spreadOf(rounds.map(({ control, cursors }) => figure(cursors) / figure(control))), 2),
  ]
  return [
    row('all acknowledged, s', storm => latest(storm, 'acknowledgedMs') / 1000, 1),
    row('half have everything, s', storm => middle(storm) / 1000, 1),
    row('all have everything, s', storm => latest(storm, 'recoveredMs') / 1000, 1),
    row('events received until then', storm => sum(storm.returns.map(({ events }) => events)), 0),
    row('connections tried again', storm => sum(storm.returns.map(({ retries }) => retries)), 0),
    row('gateway CPU, s', ({ during }) => during.cpuMs / 1000, 2),
    row('gateway CPU, ms a client', storm => storm.during.cpuMs / clientsOf(storm), 2),
    row('its core given to others, cores', ({ during }) => during.disturbedMs / 1000 / during.seconds, 2),
    row('bystander before the cut, p99 ms', ({ before }) => before.waits.p99Ms, 1),
    row('bystander p50, ms', ({ during }) => during.waits.p50Ms, 2),
    row('bystander p99, ms', ({ during }) => during.waits.p99Ms, 1),
    row('bystander, longest, ms', ({ during }) => during.waits.longestMs, 1),
    row('event loop, longest turn, ms', ({ during }) => during.loop.longestMs, 1),
    row('CPU of a turn, p99, ms', ({ during }) => during.loop.cpuP99Ms, 1),
    row('CPU of a turn, longest, ms', ({ during }) => during.loop.cpuLongestMs, 1),
    row('longest collection, ms', ({ during }) => during.loop.longestCollectionMs, 1),
    row('RSS before the cut, MiB', ({ memory }) => memory[0].rss / mebibyte, 0),
    row('RSS, highest, MiB', ({ during }) => during.peakRss / mebibyte, 0),
    row('heap and buffers when all have left, MiB', ({ memory }) => used(memory[1]) / mebibyte, 0),
  ]
}

function describeRound({ control, cursors }: ReconnectRound, index: number): string {
  return `Round ${index + 1}: without cursors ${describeAccounts(control)}; with ${describeAccounts(cursors)}.\n`
}

function describeAccounts({ accounts, returns }: Storm): string {
  const of = (figure: (account: Storm['accounts'][number]) => number): number => sum(accounts.map(figure))
  const complaints = accounts.flatMap(account => account.complaints).slice(0, 3)
  const told = complaints.length === 0 ? '' : ` (told: ${complaints.join(' ')})`
  return (
    `${of(({ events }) => events)} events, ${of(({ missing }) => missing)} missing, ${of(({ repeated }) => repeated)} repeated or out of order, ` +
    `${of(({ uncovered }) => uncovered)} ranges not covered, ${of(({ unfinished }) => unfinished)} clients without their last trades, ` +
    `${sum(returns.map(({ notWhole }) => notWhole))} not recovered${told}`
  )
}

function latest({ returns }: Storm, time: 'acknowledgedMs' | 'recoveredMs'): number {
  return Math.max(...returns.map(one => quantileOf(one[time], 1)))
}

function middle({ returns }: Storm): number {
  return quantileOf(
    returns.flatMap(({ recoveredMs }) => [...recoveredMs]),
    0.5,
  )
}

function clientsOf({ returns }: Storm): number {
  return sum(returns.map(({ recoveredMs }) => recoveredMs.length))
}

function used({ heapUsed, external }: Storm['memory'][number]): number {
  return heapUsed + external
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function describeReasons({ control, cursors }: ReconnectRound): string {
  const all = [...control.returns, ...cursors.returns].flatMap(({ reasons }) => Object.entries(reasons))
  return all.map(([reason, count]) => `Tried again ${count} times: ${reason}\n`).join('')
}
