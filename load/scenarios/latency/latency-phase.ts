import type { KafkaBench } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { highestPriority } from '../../lib/machine.ts'
import { watchCpu } from '../../lib/process-figures.ts'
import { latencyMs, quantileOf } from '../../lib/statistics.ts'
import { type GatewayOptions, startGateway } from '../../processes/gateway-process.ts'
import type { Received, StreamClients } from '../../processes/stream-clients.ts'
import { DueProducer, openPlainSink, openTransactionalSink, type ReadableTimes } from './due-producer.ts'
import type { Echo } from './echo.ts'

/** How long something took, with the times at the quantiles of `quantiles`. */
export type Times = ReturnType<typeof timesOf>
/** One rate for some seconds. */
export type LatencyPhase = Awaited<ReturnType<typeof measureLatency>>

/** The echo and the gateway at one rate, and the gateway at rising rates until its p99 is too long. */
export interface LatencyRound {
  readonly echo: Times
  readonly gateway: LatencyPhase
  /** The same with transactions. */
  readonly transactions: LatencyPhase
  readonly search: readonly LatencyPhase[]
}

/** Within this time 99 of 100 events have to come. */
export const boundMs = 10

/** The quantiles of a curve. */
export const quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const

interface LatencyLoad {
  readonly perSecond: number
  readonly seconds: number
  readonly isTransactional?: boolean
}

interface LatencyStart extends Omit<GatewayOptions, 'topics'> {
  readonly clients: number
  readonly form: string
}

/** Producers, gateway and subscribers. */
export type LatencySetup = Awaited<ReturnType<typeof startLatency>>

export const partitions = 16

export async function startLatency({ clients, form, ...own }: LatencyStart, bench: KafkaBench) {
  const { stack, cores, brokers } = bench
  const { command } = highestPriority()
  const topics = await bench.createTopics(partitions)
  const plain = new DueProducer(await openPlainSink(brokers, topics.trades, stack), partitions)
  const transactional = new DueProducer(
    await openTransactionalSink(brokers, topics.trades, stack),
    partitions,
  )
  const gateway = await startGateway({ topics, ...own }, bench)
  const subscribers = startChild<StreamClients>(
    stack,
    'subscribers',
    command(program('processes/stream-clients.ts')),
  )
  const echoProgram = program('scenarios/latency/echo.ts')
  const server = startChild<Echo>(stack, 'echo server', cores.server(echoProgram))
  const client = startChild<Echo>(stack, 'echo client', command(echoProgram))
  const echo = { client, port: await server.call('listen') }
  const { address, token } = gateway
  const access = { kind: 'gateway', token, form, subscribe: { trades: ['*'] } } as const
  const lists = Array.from({ length: clients }, () => [])
  await subscribers.call('open', { address, access }, lists)
  return { plain, transactional, subscribers, gateway, echo, clients, bench }
}

const arrivalTimeoutMs = 20_000

/** Publishes at a rate and waits for everything at every subscriber. */
export async function measureLatency(
  { subscribers, gateway, clients, plain, transactional, bench }: LatencySetup,
  { perSecond, seconds, isTransactional = false }: LatencyLoad,
) {
  const { signal, cores } = bench
  const events = perSecond * seconds
  await subscribers.call('begin', new Uint32Array())
  const cpuUse = watchCpu({ server: gateway.pid, clients: subscribers.pid }, cores.others)
  const [received, readableUs] = await Promise.all([
    subscribers.call('receivedAlike', events, seconds * 1000 + arrivalTimeoutMs),
    (isTransactional ? transactional : plain).publish(perSecond, events, signal),
  ])
  const used = cpuUse()
  return {
    perSecond,
    ...used,
    ...timesOf(received.latenciesUs),
    /** From when Kafka acknowledged the event or its transaction; a reader may be a little faster. */
    readable: timesOf(sinceReadable(received, readableUs)),
    cpuUsPerDelivery: used.serverCpuUs / events / clients,
    eventsPerFrame: events / received.frames,
    bytesPerDelivery: received.bytes / events,
  }
}

/** The loopback alone: as many messages at the same rate, there and back. */
export async function measureEcho(
  { echo }: LatencySetup,
  perSecond: number,
  seconds: number,
): Promise<Times> {
  return timesOf(await echo.client.call('echo', echo.port, perSecond, perSecond * seconds))
}

function sinceReadable({ latenciesUs, sentUs }: Received, readableUs: ReadableTimes): Float64Array {
  return latenciesUs.map((us, index) => {
    const dueUs = sentUs[index] ?? 0
    return dueUs + us - (readableUs.get(dueUs) ?? Number.NaN)
  })
}

function timesOf(latenciesUs: Float64Array) {
  const curve = quantiles.map(quantile => quantileOf(latenciesUs, quantile) / 1000)
  return { ...latencyMs(latenciesUs), curve }
}
