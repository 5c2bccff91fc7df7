import { percent, showSpread } from '../figures.ts'
import type { Report, ReportPart } from '../report.ts'
import { type Spread, spreadOf, spreadsOf } from '../statistics.ts'
import type { Urgency } from '../urgency.ts'
import type { LatencyArguments } from './arguments.ts'
import { boundMs, type LatencyPhase, type LatencyRound, quantiles } from './phase.ts'

export interface LatencyResults {
  readonly machine: readonly string[]
  readonly load: LatencyArguments
  readonly rounds: readonly LatencyRound[]
  /** How the clients run. */
  readonly urgency: Urgency
}

/** The figures for people. */
export function latencyReport({ machine, load, rounds, urgency }: LatencyResults): Report {
  const { rate, clients } = load
  return {
    title: 'Latency from a producer to its subscribers',
    notes: [
      `${machine.join('; ')}.`,
      `${clients} subscribers of everything, 16 partitions, wire form ${load.form}${load.isTls ? ' over TLS' : ''}; ${rounds.length} rounds of ${load.seconds} s phases after a warm-up; median (lowest–highest round).`,
      'From when an event was due at its producer (which looks every millisecond, acks=all, one request at a time) to the read of five of the subscribers, from the first opened to the last.',
      'From readable: from when Kafka had told the producer that it has the event, or that its transaction is committed; a reader may be a little faster than that. The aim for transactions is a p99 within 1.5 times that without.',
      `What measures, subscribers and the echo’s client, runs ${urgency.description}: it would else wait for the broker there.`,
      'Echo: a message of 120 bytes at the same rate to a Node server on the server’s core and back, from when it was due.',
    ],
    parts: [
      besideEcho(rounds, rate),
      byTransactions(rounds, rate),
      curves(rounds, rate),
      rates(rounds),
      ratesCurve(rounds),
      highest(rounds),
    ],
  }
}

function besideEcho(rounds: readonly LatencyRound[], rate: number): ReportPart {
  const of = (figure: (round: LatencyRound) => number, digits: number): string =>
    showSpread(spreadOf(rounds.map(figure)), digits)
  return {
    kind: 'table',
    title: `${rate} events/s beside the echo`,
    head: ['', 'p50 ms', 'p99 ms', 'max ms'],
    rows: [
      ['echo', of(r => r.echo.p50Ms, 2), of(r => r.echo.p99Ms, 2), of(r => r.echo.maxMs, 1)],
      ['gateway', of(r => r.gateway.p50Ms, 2), of(r => r.gateway.p99Ms, 2), of(r => r.gateway.maxMs, 1)],
      [
        'gateway ÷ echo',
        of(r => r.gateway.p50Ms / r.echo.p50Ms, 1),
        of(r => r.gateway.p99Ms / r.echo.p99Ms, 1),
        of(r => r.gateway.maxMs / r.echo.maxMs, 1),
      ],
    ],
  }
}

function byTransactions(rounds: readonly LatencyRound[], rate: number): ReportPart {
  const row = (name: string, of: (round: LatencyRound) => LatencyPhase): string[] => {
    const figure = (read: (phase: LatencyPhase) => number, digits: number): string =>
      showSpread(spreadOf(rounds.map(round => read(of(round)))), digits)
    return [
      name,
      figure(({ p50Ms }) => p50Ms, 2),
      figure(({ p99Ms }) => p99Ms, 2),
      figure(({ readable }) => readable.p50Ms, 2),
      figure(({ readable }) => readable.p99Ms, 2),
      figure(({ readable }) => readable.maxMs, 1),
    ]
  }
  const ratio = (read: (phase: LatencyPhase) => number): string =>
    showSpread(spreadOf(rounds.map(({ transactions, gateway }) => read(transactions) / read(gateway))), 2)
  return {
    kind: 'table',
    title: `${rate} events/s, with and without transactions (a commit every 10 ms)`,
    head: ['', 'p50 ms', 'p99 ms', 'p50 ms from readable', 'p99 ms from readable', 'max ms from readable'],
    rows: [
      row('plain', ({ gateway }) => gateway),
      row('transactions', ({ transactions }) => transactions),
      [
        'transactions ÷ plain',
        ratio(({ p50Ms }) => p50Ms),
        ratio(({ p99Ms }) => p99Ms),
        ratio(({ readable }) => readable.p50Ms),
        ratio(({ readable }) => readable.p99Ms),
        ratio(({ readable }) => readable.maxMs),
      ],
    ],
  }
}

function curves(rounds: readonly LatencyRound[], rate: number): ReportPart {
  const line = (name: string, of: (round: LatencyRound) => readonly number[]) => ({
    name,
    points: quantiles.map(
      (quantile, index) =>
        [spreadOf(rounds.map(round => of(round)[index] ?? Number.NaN)).median, quantile * 100] as const,
    ),
  })
  return {
    kind: 'lines',
    title: `${rate} events/s: which part of the events came within which time`,
    xName: 'ms',
    yName: 'percent of the events',
    lines: [line('echo', r => r.echo.curve), line('gateway', r => r.gateway.curve)],
  }
}

/** The phases of all rounds by their rate. */
function byRate(rounds: readonly LatencyRound[]): [rate: number, phases: readonly LatencyPhase[]][] {
  const phases = rounds.flatMap(({ gateway, search }) => [gateway, ...search])
  return [...Map.groupBy(phases, ({ perSecond }) => perSecond)].toSorted(([a], [b]) => a - b)
}

function rates(rounds: readonly LatencyRound[]): ReportPart {
  const rows = byRate(rounds).map(([rate, phases]) => {
    const spreads = spreadsOf(phases.map(figuresOf))
    const share = Math.max(spreads.clientsShare.median, spreads.othersBusy.median)
    return [
      rate.toLocaleString('en-US'),
      String(phases.length),
      showSpread(spreads.p50Ms, 2),
      showSpread(spreads.p99Ms, 1),
      showSpread(spreads.cpuUsPerDelivery, 3),
      spreads.eventsPerFrame.median.toFixed(1),
      spreads.bytesPerDelivery.median.toFixed(0),
      percent(spreads.serverShare.median),
      percent(spreads.clientsShare.median),
      percent(spreads.othersBusy.median),
      share >= 0.9 ? 'clients, Kafka, producer' : '–',
    ]
  })
  const head = [
    'events/s',
    'rounds',
    'p50 ms',
    'p99 ms',
    'server CPU, µs a delivery',
    'events a frame',
    'bytes a delivery',
    'server core',
    'clients',
    'other cores',
    'limited by',
  ]
  return { kind: 'table', title: 'Rising rates', head, rows }
}

function figuresOf({ p50Ms, p99Ms, ...phase }: LatencyPhase) {
  const { cpuUsPerDelivery, eventsPerFrame, bytesPerDelivery, serverShare, clientsShare, othersBusy } = phase
  return {
    p50Ms,
    p99Ms,
    cpuUsPerDelivery,
    eventsPerFrame,
    bytesPerDelivery,
    serverShare,
    clientsShare,
    othersBusy,
  }
}

function ratesCurve(rounds: readonly LatencyRound[]): ReportPart {
  const line = (name: string, figure: (phase: LatencyPhase) => number) => ({
    name,
    points: byRate(rounds).map(([rate, phases]) => [rate, spreadOf(phases.map(figure)).median] as const),
  })
  return {
    kind: 'lines',
    title: 'Latency at rising rates',
    xName: 'events/s',
    yName: 'ms',
    lines: [line('p99', ({ p99Ms }) => p99Ms), line('p50', ({ p50Ms }) => p50Ms)],
  }
}

function highest(rounds: readonly LatencyRound[]): ReportPart {
  const found: Spread = spreadOf(
    rounds.map(({ gateway, search }) =>
      Math.max(
        0,
        ...[gateway, ...search].filter(({ p99Ms }) => p99Ms < boundMs).map(({ perSecond }) => perSecond),
      ),
    ),
  )
  return {
    kind: 'text',
    text: `Highest rate with 99 of 100 events within ${boundMs} ms: ${showSpread(found, 0)} events/s (0: not even the lowest rate; a rate is tried twice, the better one counts).`,
  }
}
