import { percent, showSpread } from '../figures.ts'
import { spreadsOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { KafkaLatencyArguments } from './arguments.ts'
import type { LatencyRound } from './kafka-latency.ts'
import type { LatencyPhase } from './latency-phase.ts'

export interface LatencyReport {
  readonly machine: readonly string[]
  readonly load: KafkaLatencyArguments
  readonly rounds: readonly LatencyRound[]
}

/** The figures for people: Markdown tables. */
export function renderLatency({ machine, load, rounds }: LatencyReport): string {
  const head = [
    'events/s',
    'p50 ms',
    'p99 ms',
    'max ms',
    'events a frame',
    'CPU, µs an event',
    'reader core',
    'other cores',
    'longest pause of the producer, ms',
  ]
  const rows = load.rates.map((rate, index) =>
    row(
      rate.toLocaleString('en-US'),
      rounds.flatMap(({ rates }) => rates[index] ?? []),
    ),
  )
  return `${machine.join('; ')}. ${rounds.length} round${rounds.length === 1 ? '' : 's'} of ${load.seconds} s each after a warm-up; median (lowest–highest round).
From just before the request to Kafka (acks=all, events gather for 5 ms) to a subscriber in the reader's process: fetched, decoded, checked, encoded, framed; no socket.

${renderTable(head, [...rows, ...highestRow(rounds)])}
${rounds.map(describeSearch).join('')}
Sustained: the producer was not late by more than 3 %, everything arrived, and the median of the last quarter was at most\n250 ms and twice the first's + 20 ms. The limit is called the reader where that used more than 80 % of its core.
`
}

function highestRow(rounds: readonly LatencyRound[]): readonly string[][] {
  const highest = rounds.flatMap(({ rates, search }) => [...rates, ...search].filter(isSustained).slice(-1))
  if (highest.length === 0) return []
  const { perSecond } = spreadsOf(highest.map(phase => ({ perSecond: phase.perSecond })))
  return [row(`highest sustained: ${showSpread(perSecond, 0)}`, highest)]
}

function describeSearch({ search }: LatencyRound, index: number): string {
  const steps = search.map(phase => {
    const { perSecond, lastQuarterMs, limit } = phase
    const what =
      limit === 'none'
        ? `${lastQuarterMs.toFixed(1)} ms`
        : `not sustained (${limit}; ${lastQuarterMs.toFixed(0)} ms)`
    return `${perSecond.toLocaleString('en-US')}: ${what}`
  })
  const last = search.at(-1)
  const end = last !== undefined && isSustained(last) ? '; the search ended there' : ''
  return `Search ${index + 1}, median of the last quarter: ${steps.join(', ')}${end}.\n`
}

function isSustained(phase: LatencyPhase): boolean {
  return phase.isSustained
}

function row(name: string, phases: readonly LatencyPhase[]): string[] {
  const spread = spreadsOf(phases.map(figuresOf))
  return [
    name,
    showSpread(spread.p50Ms, 2),
    showSpread(spread.p99Ms, 1),
    showSpread(spread.maxMs, 0),
    showSpread(spread.eventsPerFrame, 0),
    showSpread(spread.cpuUs, 1),
    percent(spread.share.median),
    percent(spread.othersBusy.median),
    showSpread(spread.longestGapMs, 0),
  ]
}

function figuresOf({
  p50Ms,
  p99Ms,
  maxMs,
  events,
  frames,
  cpuUs,
  seconds,
  othersBusy,
  longestGapMs,
}: LatencyPhase) {
  return {
    p50Ms,
    p99Ms,
    maxMs,
    eventsPerFrame: events / frames,
    cpuUs: cpuUs / events,
    share: cpuUs / (seconds * 1e6),
    othersBusy,
    longestGapMs,
  }
}
