import { fileURLToPath } from 'node:url'
import { startKafka } from '../test/support/kafka.ts'
import { mintTestToken } from '../test/support/gateway.ts'
import { createTopics, deleteTopics } from '../test/support/topics.ts'
import { Child } from './child-calls.ts'
import { type Cores, divideCores } from './cores.ts'
import { partitions } from './event-source.ts'
import type { FloorServer } from './floor-server.ts'
import { GatewayProcess } from './gateway-process.ts'
import { Producer } from './producer.ts'
import type { Subscribers } from './subscribers.ts'

/** Everything that the phases work with; it runs until the stack that it was started on is disposed of. */
export interface Rig {
  readonly cores: Cores
  readonly gateway: GatewayProcess
  readonly floor: { readonly child: Child<FloorServer>; readonly port: number }
  readonly subscribers: Child<Subscribers>
  readonly producer: Producer
  readonly token: string
  /** Aborts when the run is to end early. */
  readonly signal: AbortSignal
}

export interface RigOptions {
  /** Brokers that run already; absent: one is started. */
  readonly kafka?: string
  readonly profile?: string
  readonly signal: AbortSignal
  /** Told what is being started. */
  readonly report: (what: string) => void
}

const tokenLifetimeS = 7200

/** Starts Kafka, topics of its own, the gateway, the floor server and the subscribers' process, in this order. */
export async function startRig(options: RigOptions, stack: AsyncDisposableStack): Promise<Rig> {
  const { signal, report } = options
  const cores = divideCores()
  const brokers = options.kafka ?? (await startBroker(report, stack))
  signal.throwIfAborted()
  report('making topics')
  const topics = await createTopics(brokers, { prefix: 'load', partitions })
  if (options.kafka !== undefined) stack.defer(() => deleteTopics(brokers, topics))
  const producer = await Producer.start(brokers, topics)
  stack.defer(() => producer.stop())
  signal.throwIfAborted()
  report('starting the gateway')
  const gateway = await GatewayProcess.start({ brokers, topics, cores, profile: options.profile })
  stack.defer(() => gateway.stop())
  const subscribers = new Child<Subscribers>('subscribers', command('subscribers.ts'))
  stack.defer(() => subscribers.stop())
  const child = new Child<FloorServer>('floor server', cores.server(command('floor-server.ts')))
  stack.defer(() => child.stop())
  const floor = { child, port: await child.call('listen') }
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS })
  return { cores, gateway, floor, subscribers, producer, token, signal }
}

async function startBroker(report: RigOptions['report'], stack: AsyncDisposableStack): Promise<string> {
  report('starting Kafka')
  const kafka = await startKafka()
  stack.defer(() => kafka.stop())
  return kafka.brokers
}

/** The command line of a program beside this one. */
function command(file: string): readonly [string, ...string[]] {
  return [process.execPath, fileURLToPath(new URL(file, import.meta.url))]
}
