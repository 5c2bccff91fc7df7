import type { Child } from '../child-calls.ts'
import { coreTicks, processCpuUs } from '../cpu-clock.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import { quantileOf } from '../statistics.ts'
import type { Received, Subscribers } from '../subscribers.ts'
import type { DueProducer, ReadableTimes } from './due-producer.ts'
import type { EchoClient } from './echo-client.ts'

/** What the phases work with. */
export interface LatencyRig {
  readonly producer: DueProducer
  /** Commits a transaction every 10 ms. */
  readonly transactional: DueProducer
  readonly subscribers: Child<Subscribers>
  readonly gatewayPid: number
  readonly echo: { readonly client: Child<EchoClient>; readonly port: number }
  readonly clients: number
  /** The cores beside the server's. */
  readonly others: readonly number[]
  readonly signal: AbortSignal
}

/** One rate for some seconds. */
export interface LatencyPhase {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly cpuUsPerDelivery: number
  readonly eventsPerFrame: number
  readonly bytesPerDelivery: number
  readonly serverShare: number
  readonly clientsShare: number
  readonly othersBusy: number
  /** From when its producer was told that an event can be read; a reader may be a little faster than that. */
  readonly readable: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  /** At the quantiles of `quantiles`, in ms. */
  readonly curve: readonly number[]
}

/** A message there and back. */
export type Echo = Pick<LatencyPhase, 'p50Ms' | 'p99Ms' | 'maxMs' | 'curve'>

/** The echo and the gateway at one rate, and the gateway at rising ones until 99 of 100 events take too long. */
export interface LatencyRound {
  readonly echo: Echo
  readonly gateway: LatencyPhase
  /** The same by transactions. */
  readonly transactions: LatencyPhase
  readonly search: readonly LatencyPhase[]
}

/** Within which 99 of 100 events have to come. */
export const boundMs = 10

/** What a curve is drawn of. */
export const quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const

export interface LatencyLoad {
  readonly perSecond: number
  readonly seconds: number
  /** The plain one, if left out. */
  readonly producer?: DueProducer
}

const patienceMs = 20_000

/** Publishes at a rate, by transactions or not, and waits for everything at every subscriber. */
export async function measureLatency(
  rig: LatencyRig,
  { perSecond, seconds, producer = rig.producer }: LatencyLoad,
): Promise<LatencyPhase> {
  const { subscribers, signal, clients } = rig
  const events = perSecond * seconds
  await subscribers.call('begin')
  const before = readings(rig)
  const [received, readableUs] = await Promise.all([
    subscribers.call('received', events, seconds * 1000 + patienceMs),
    producer.publish(perSecond, events, signal),
  ])
  const after = readings(rig)
  const us = after.us - before.us
  const cpuUs = after.serverCpuUs - before.serverCpuUs
  return {
    perSecond,
    ...describe(received.latenciesUs),
    readable: describe(sinceReadable(received, readableUs)),
    cpuUsPerDelivery: cpuUs / events / clients,
    eventsPerFrame: events / received.frames,
    bytesPerDelivery: received.bytes / events,
    serverShare: cpuUs / us,
    clientsShare: (after.clientsCpuUs - before.clientsCpuUs) / us,
    othersBusy: (after.others.busy - before.others.busy) / (after.others.all - before.others.all),
  }
}

function sinceReadable({ latenciesUs, sentUs }: Received, readableUs: ReadableTimes): Float64Array {
  return latenciesUs.map((us, index) => {
    const dueUs = sentUs[index] ?? 0
    return dueUs + us - (readableUs.get(dueUs) ?? Number.NaN)
  })
}

/** The loopback alone: as many messages at the same rate, there and back. */
export async function measureEcho({ echo }: LatencyRig, perSecond: number, seconds: number): Promise<Echo> {
  return describe(await echo.client.call('echo', echo.port, perSecond, perSecond * seconds))
}

function describe(latenciesUs: Float64Array): Echo {
  const ms = (quantile: number): number => quantileOf(latenciesUs, quantile) / 1000
  return { p50Ms: ms(0.5), p99Ms: ms(0.99), maxMs: ms(1), curve: quantiles.map(ms) }
}

function readings({ gatewayPid, subscribers, others }: LatencyRig) {
  return {
    serverCpuUs: processCpuUs(gatewayPid),
    clientsCpuUs: processCpuUs(subscribers.pid),
    others: coreTicks(others),
    us: monotonicUs(),
  }
}
