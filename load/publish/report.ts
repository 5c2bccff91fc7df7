import { percent, showSpread } from '../figures.ts'
import { spreadsOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import type { PublishArguments } from './arguments.ts'
import type { PublishPhase, PublishRound } from './publish.ts'
import { publishSettings } from './settings.ts'

export interface PublishReport {
  readonly machine: readonly string[]
  readonly load: PublishArguments
  readonly cases: readonly PublishCase[]
}

interface PublishCase {
  readonly size: number
  readonly rounds: readonly PublishRound[]
}

/** The figures for people: Markdown tables. */
export function renderPublish({ machine, load, cases }: PublishReport): string {
  const { rounds, seconds, connections } = load
  const head = [
    'events a request',
    'by',
    'requests/s',
    'events/s',
    'p50 ms',
    'p99 ms',
    'CPU, µs an event',
    'of its core',
  ]
  const rows = cases.flatMap(one => [
    row(
      [String(one.size), '`POST /v1/events`'],
      one.rounds.map(({ gateway }) => gateway),
    ),
    row(
      [String(one.size), 'kafkajs'],
      one.rounds.map(({ kafkajs }) => kafkajs),
    ),
  ])
  const ratios = cases.map(({ size, rounds: measured }) => {
    const ratio = spreadsOf(measured.map(ratiosOf))
    return [String(size), showSpread(ratio.perSecond, 2), showSpread(ratio.p50, 2), showSpread(ratio.cpu, 2)]
  })
  const settings = Object.entries(publishSettings).map(([name, value]) => `${name}=${value}`)
  return `${machine.join('; ')}. ${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s after a warm-up; median (lowest–highest round).
${connections} connections, the next request when the last is answered; kafkajs with ${connections} sends at once, idempotent, acks=all. The same events, by the same keys.

${renderTable(head, rows)}
${renderTable(['`POST` ÷ kafkajs: events a request', 'events/s', 'p50', 'CPU an event'], ratios)}
The gateway's CPU includes that it reads back from Kafka and encodes what was published. Held: ${settings.join(' ')}, development mode, plain HTTP on loopback.
`
}

function row(names: readonly string[], phases: readonly PublishPhase[]): string[] {
  const spread = spreadsOf(phases.map(figuresOf))
  return [
    ...names,
    showSpread(spread.requestsPerSecond, 0),
    showSpread(spread.perSecond, 0),
    showSpread(spread.p50Ms, 2),
    showSpread(spread.p99Ms, 1),
    showSpread(spread.cpuUs, 1),
    percent(spread.share.median),
  ]
}

function figuresOf({ requests, events, seconds, cpuUs, p50Ms, p99Ms }: PublishPhase) {
  return {
    requestsPerSecond: requests / seconds,
    perSecond: events / seconds,
    p50Ms,
    p99Ms,
    cpuUs: cpuUs / events,
    share: cpuUs / (seconds * 1e6),
  }
}

function ratiosOf({ gateway, kafkajs }: PublishRound) {
  const [ours, theirs] = [figuresOf(gateway), figuresOf(kafkajs)]
  return {
    perSecond: ours.perSecond / theirs.perSecond,
    p50: ours.p50Ms / theirs.p50Ms,
    cpu: ours.cpuUs / theirs.cpuUs,
  }
}
