import { caseTable, comparisonTable, type Figure } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import { showSpread, spreadOf } from '../../lib/statistics.ts'
import { boundMs, type LatencyPhase, type LatencyRound, quantiles, type Times } from './latency-phase.ts'

const times: readonly Figure<Times>[] = [
  ['p50 ms', phase => phase.p50Ms, 2],
  ['p99 ms', phase => phase.p99Ms, 2],
  ['max ms', phase => phase.maxMs, 1],
]

const readable: readonly Figure<LatencyPhase>[] = [
  ...times,
  ['p50 ms from readable', phase => phase.readable.p50Ms, 2],
  ['p99 ms from readable', phase => phase.readable.p99Ms, 2],
  ['max ms from readable', phase => phase.readable.maxMs, 1],
]

const atRates: readonly Figure<LatencyPhase>[] = [
  ['p50 ms', phase => phase.p50Ms, 2],
  ['p99 ms', phase => phase.p99Ms, 1],
  ['server CPU, µs a delivery', phase => phase.cpuUsPerDelivery, 3],
  ['events a frame', phase => phase.eventsPerFrame, 1],
  ['bytes a delivery', phase => phase.bytesPerDelivery, 0],
  ['server core', phase => phase.serverShare, '%'],
  ['clients', phase => phase.clientsShare, '%'],
  ['other cores', phase => phase.othersBusy, '%'],
]

export function latencyParts(rounds: readonly LatencyRound[], rate: number): ReportPart[] {
  const sidesOfEcho = [
    ['echo', (round: LatencyRound): Times => round.echo],
    ['gateway', (round: LatencyRound): Times => round.gateway],
  ] as const
  const sidesOfTransactions = [
    ['plain', (round: LatencyRound) => round.gateway],
    ['transactions', (round: LatencyRound) => round.transactions],
  ] as const
  const withTransactions = `${rate} events/s, with and without transactions (a commit every 10 ms)`
  const byRate = phasesByRate(rounds)
  const cases = byRate.map(([perSecond, phases]) => {
    return [[perSecond.toLocaleString('en-US'), String(phases.length)], phases] as const
  })
  return [
    comparisonTable(`${rate} events/s beside the echo`, { rounds, sides: sidesOfEcho }, times),
    comparisonTable(withTransactions, { rounds, sides: sidesOfTransactions }, readable),
    curves(rounds, rate),
    caseTable('Rising rates', { head: ['events/s', 'rounds'], cases }, atRates),
    ratesCurve(byRate),
    highest(rounds),
  ]
}

function curves(rounds: readonly LatencyRound[], rate: number): ReportPart {
  const line = (name: string, of: (round: LatencyRound) => Times) => ({
    name,
    points: quantiles.map((quantile, index) => {
      const { median } = spreadOf(rounds.map(round => of(round).curve[index] ?? Number.NaN))
      return [median, quantile * 100] as const
    }),
  })
  return {
    kind: 'lines',
    title: `${rate} events/s: which part of the events came within which time`,
    xName: 'ms',
    yName: 'percent of the events',
    lines: [line('echo', round => round.echo), line('gateway', round => round.gateway)],
  }
}

type PhasesByRate = readonly (readonly [rate: number, phases: readonly LatencyPhase[]])[]

function phasesByRate(rounds: readonly LatencyRound[]): PhasesByRate {
  const phases = rounds.flatMap(({ gateway, search }) => [gateway, ...search])
  return [...Map.groupBy(phases, ({ perSecond }) => perSecond)].toSorted(([a], [b]) => a - b)
}

function ratesCurve(byRate: PhasesByRate): ReportPart {
  const line = (name: string, figure: (phase: LatencyPhase) => number) => ({
    name,
    points: byRate.map(([rate, phases]) => [rate, spreadOf(phases.map(figure)).median] as const),
  })
  const lines = [line('p99', ({ p99Ms }) => p99Ms), line('p50', ({ p50Ms }) => p50Ms)]
  return { kind: 'lines', title: 'Latency at rising rates', xName: 'events/s', yName: 'ms', lines }
}

function highest(rounds: readonly LatencyRound[]): ReportPart {
  const found = rounds.map(({ gateway, search }) => {
    const fast = [gateway, ...search].filter(({ p99Ms }) => p99Ms < boundMs)
    return Math.max(0, ...fast.map(({ perSecond }) => perSecond))
  })
  const rate = `${showSpread(spreadOf(found), 0)} events/s`
  return {
    kind: 'text',
    text: `Highest rate with 99 of 100 events within ${boundMs} ms: ${rate} (each tried twice).`,
  }
}
