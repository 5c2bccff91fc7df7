import { percent, showSpread } from '../figures.ts'
import { gatewaySettings } from '../gateway-process.ts'
import type { LoadArguments } from './arguments.ts'
import type { PhaseSummary, Summary } from './summary.ts'
import { renderTable } from '../table.ts'

export interface Report {
  readonly machine: readonly string[]
  readonly load: LoadArguments
  readonly idleShare: number
  readonly cases: readonly ReportedCase[]
}

interface ReportedCase {
  readonly perSecond?: number
  readonly summary: Summary
}

/** Busier than this, the subscribers (with Kafka and the producer beside them) are what limits. */
const limitShare = 0.9
/** By how much the answers of Kafka may differ in size before a difference says so. */
const sameFetchesShare = 0.15

/** The figures for people: Markdown tables, medians with the lowest and highest round in brackets. */
export function renderReport(report: Report): string {
  const { load, cases } = report
  const backlogs = cases.filter(({ perSecond }) => perSecond === undefined)
  const paced = cases.filter(({ perSecond }) => perSecond !== undefined)
  const parts = [
    `${report.machine.join('; ')}. ${describeRounds(load)}`,
    renderFloor(cases, load.subscribers),
    ...backlogs.map(({ summary }) => renderThroughput(summary, load)),
    ...(paced.length > 0 ? [renderLatency(paced, load)] : []),
    describeConstants(report),
  ]
  return `${parts.join('\n')}\n`
}

function describeRounds({ rounds, seconds }: LoadArguments): string {
  return `${rounds} round${rounds === 1 ? '' : 's'}, paced phases of ${seconds} s; median (lowest–highest round).\n`
}

function renderFloor(cases: readonly ReportedCase[], subscribers: number): string {
  const head = [
    'load',
    'events a write',
    'floor, µs a write',
    'floor, µs a delivery',
    'gateway, µs a delivery',
    '÷ floor',
    'ingest included ÷ floor',
  ]
  const rows = cases.map(({ perSecond, summary: { many, comparison } }) => [
    nameOf(perSecond),
    showSpread(many.eventsPerWrite, 1),
    showSpread(comparison.floorUsPerWrite, 2),
    showSpread(comparison.floorUsPerDelivery, 3),
    showSpread(comparison.usPerDelivery, 3),
    showSpread(comparison.ratio, 2),
    showSpread(comparison.ratioWithIngest, 2),
  ])
  const title = `Server CPU beside the floor, ${subscribers} subscribers of everything`
  return `${title}\n\n${renderTable(head, rows)}${cases.map(noteOfFetches).join('')}`
}

/** Reading many small answers of Kafka costs more than few large ones, so a difference wants as many on both sides. */
function noteOfFetches({ perSecond, summary: { none, many } }: ReportedCase): string {
  const [withMany, without] = [many.eventsPerFetch.median, none.eventsPerFetch.median]
  if (perSecond === undefined || Math.abs(withMany / without - 1) <= sameFetchesShare) return ''
  return (
    `\n${nameOf(perSecond)}: an answer of Kafka held ${withMany.toFixed(1)} events with subscribers, ${without.toFixed(1)} without, ` +
    'so ingest did not cost the same: µs a delivery is off, the last column is not.\n'
  )
}

function renderThroughput({ none, one, many }: Summary, { subscribers, backlog }: LoadArguments): string {
  const head = [
    'subscribers',
    'events/s',
    'deliveries/s',
    'events a write',
    'server CPU, µs an event',
    'of it kernel',
    'server core',
    'other cores',
    'limited by',
  ]
  const row = (name: string, phase: PhaseSummary): string[] => [
    name,
    showSpread(phase.eventsPerSecond, 0),
    phase === none ? '–' : showSpread(phase.deliveriesPerSecond, 0),
    phase === none ? '–' : showSpread(phase.eventsPerWrite, 1),
    showSpread(phase.cpuUsPerEvent, 2),
    percent(phase.kernelShare.median),
    percent(phase.serverShare.median),
    percent(phase.othersBusy.median),
    limitOf(phase),
  ]
  const rows = [row('none', none), row('1', one), row(String(subscribers), many)]
  const title = `Throughput: a backlog of ${backlog} events, read as fast as it goes`
  return `${title}\n\n${renderTable(head, rows)}`
}

function renderLatency(cases: readonly ReportedCase[], { subscribers }: LoadArguments): string {
  const head = [
    'events/s',
    'subscribers',
    'p50 ms',
    'p99 ms',
    'max ms',
    'events a write',
    'server CPU, µs an event',
    'server core',
    'other cores',
    'limited by',
  ]
  const rows = cases.flatMap(({ perSecond = 0, summary: { none, one, many } }) => [
    latencyRow([String(perSecond), 'none'], none),
    latencyRow([String(perSecond), '1'], one),
    latencyRow([String(perSecond), String(subscribers)], many),
  ])
  return `Latency: from just before the request to Kafka to the subscriber\n\n${renderTable(head, rows)}`
}

function latencyRow(names: readonly string[], phase: PhaseSummary): string[] {
  return [
    ...names,
    showSpread(phase.p50Ms, 2),
    showSpread(phase.p99Ms, 2),
    showSpread(phase.maxMs, 1),
    Number.isNaN(phase.p50Ms.median) ? '–' : showSpread(phase.eventsPerWrite, 1),
    showSpread(phase.cpuUsPerEvent, 1),
    percent(phase.serverShare.median),
    percent(phase.othersBusy.median),
    limitOf(phase),
  ]
}

function describeConstants({ idleShare }: Report): string {
  const settings = Object.entries(gatewaySettings).map(([name, value]) => `${name}=${value}`)
  return [
    'A delivery is one event to one subscriber; gateway, µs a delivery = (server CPU an event with many − with no subscribers) ÷ subscribers.',
    'The floor: a bare Node server that writes the same frames at the same pace to as many sockets with `socket.write`, in the same run.',
    `Server CPU is raw; the gateway idle uses ${percent(idleShare)} of a core. Held: ${settings.join(' ')}, 4 partitions a topic, producer lingers 5 ms, acks=all.`,
  ].join('\n')
}

/** What is at its limit; the producer's gaps are told because events are stamped when sent. */
function limitOf(phase: PhaseSummary): string {
  const limits = [
    ...(phase.serverShare.median >= limitShare ? ['gateway'] : []),
    ...(Math.max(phase.othersBusy.median, phase.subscribersShare.median) >= limitShare
      ? ['clients, Kafka']
      : []),
    ...(phase.longestGapMs.median >= 100
      ? [`producer paused ${Math.round(phase.longestGapMs.median)} ms`]
      : []),
  ]
  return limits.length === 0 ? '–' : limits.join(', ')
}

function nameOf(perSecond: number | undefined): string {
  return perSecond === undefined ? 'backlog' : `${perSecond} events/s`
}
