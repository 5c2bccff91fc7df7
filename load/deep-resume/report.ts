import { showSpread } from '../figures.ts'
import { spreadOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { DeepResumeArguments } from './arguments.ts'
import type { DeepRound, Stretch } from './deep-resume.ts'

export interface DeepReport {
  readonly machine: readonly string[]
  readonly load: DeepResumeArguments
  readonly rounds: readonly DeepRound[]
}

/** The figures for people: Markdown tables, medians with the lowest and highest round in brackets. */
export function renderDeepResume({ machine, load, rounds }: DeepReport): string {
  const { events, live, watchers } = load
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'}; median (lowest–highest round).
A reader of everything resumes ${events.toLocaleString('en-US')} events back, two hours old; ${live} events/s go on to ${watchers} live subscribers of everything.

${renderPace(rounds)}
${renderStretches(rounds)}
${rounds.map(describeAccount).join('')}`
}

function renderPace(rounds: readonly DeepRound[]): string {
  const of = (figure: (round: DeepRound) => number, digits: number): string =>
    showSpread(spreadOf(rounds.map(figure)), digits)
  return renderTable(
    ['the resume', ''],
    [
      ['seconds until `resumed`', of(({ resumed }) => resumed.ms / 1000, 1)],
      ['ms to the first event', of(({ resumed }) => resumed.firstMs, 0)],
      ['events received until then', of(({ resumed }) => resumed.events, 0)],
      ['events/s', of(({ resumed }) => (resumed.events * 1000) / resumed.ms, 0)],
      ['MB/s', of(({ resumed }) => resumed.bytes / 1000 / resumed.ms, 0)],
      [
        'gateway CPU, with that of the live events, µs an event',
        of(({ during, resumed }) => (during.cpuMs * 1000) / resumed.events, 2),
      ],
      ['of the reader’s core used by it', of(({ resumed }) => resumed.cpuMs / resumed.ms, 2)],
    ],
  )
}

function renderStretches(rounds: readonly DeepRound[]): string {
  const row = (name: string, figure: (stretch: Stretch) => number, digits: number): string[] => [
    name,
    showSpread(spreadOf(rounds.map(({ before }) => figure(before))), digits),
    showSpread(spreadOf(rounds.map(({ during }) => figure(during))), digits),
    showSpread(spreadOf(rounds.map(({ before, during }) => figure(during) / figure(before))), 2),
  ]
  return renderTable(
    ['the gateway meanwhile', 'before', 'during the resume', 'during ÷ before'],
    [
      row('bystander p50, ms', ({ waits }) => waits.p50Ms, 2),
      row('bystander p99, ms', ({ waits }) => waits.p99Ms, 2),
      row('bystander, longest, ms', ({ waits }) => waits.longestMs, 1),
      row('event loop, p99, ms', ({ loop }) => loop.p99Ms, 2),
      row('event loop, longest turn, ms', ({ loop }) => loop.longestMs, 1),
      row('CPU of a turn, p99, ms', ({ loop }) => loop.cpuP99Ms, 1),
      row('CPU of a turn, longest, ms', ({ loop }) => loop.cpuLongestMs, 1),
      row('longest collection, ms', ({ loop }) => loop.longestCollectionMs, 1),
      row('CPU, cores', ({ cpuMs, seconds }) => cpuMs / 1000 / seconds, 2),
      row('its core given to others, cores', ({ disturbedMs, seconds }) => disturbedMs / 1000 / seconds, 2),
    ],
  )
}

function describeAccount({ resumed, account, published }: DeepRound, index: number): string {
  const { missing, repeated, miscounted, uncovered } = account.faults
  const told = account.complaints.length === 0 ? '' : ` It was told: ${account.complaints.join(' ')}`
  return (
    `Round ${index + 1}: recovered ${resumed.isWhole}; ${account.events} of ${published} events in the end, ` +
    `${missing} missing, ${repeated} repeated or out of order, ${miscounted} miscounted, ${uncovered} ranges not covered.${told}\n`
  )
}
