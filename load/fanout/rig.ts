import type { Topics } from '../../src/log/topics.ts'
import { mintTestToken } from '../../test/support/gateway.ts'
import { Child } from '../child-calls.ts'
import type { Cores } from '../cores.ts'
import { partitions } from '../event-source.ts'
import type { FloorServer } from '../floor-server.ts'
import { GatewayProcess } from '../gateway-process.ts'
import { Producer } from '../producer.ts'
import { program } from '../program.ts'
import type { Bench } from '../scenario.ts'
import type { Subscribers } from '../subscribers.ts'

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
  readonly cores: Cores
  readonly brokers: string
  readonly createTopics: (partitions: number) => Promise<Topics>
  readonly profile: string | undefined
}

const tokenLifetimeS = 7200

/** Starts topics of its own, the gateway, the floor server and the subscribers' process, in this order. */
export async function startRig(options: RigOptions, { stack, signal, say }: Bench): Promise<Rig> {
  const { cores, brokers, profile } = options
  const topics = await options.createTopics(partitions)
  const producer = await Producer.start(brokers, topics)
  stack.defer(() => producer.stop())
  signal.throwIfAborted()
  say('starting the gateway')
  const gateway = await GatewayProcess.start({ brokers, topics, cores, profile })
  stack.defer(() => gateway.stop())
  const subscribers = new Child<Subscribers>('subscribers', program('subscribers.ts'))
  stack.defer(() => subscribers.stop())
  const child = new Child<FloorServer>('floor server', cores.server(program('floor-server.ts')))
  stack.defer(() => child.stop())
  const floor = { child, port: await child.call('listen') }
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS })
  return { cores, gateway, floor, subscribers, producer, token, signal }
}
