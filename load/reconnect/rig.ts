import { mintTestToken } from '../../test/support/gateway.ts'
import type { Bystander } from '../bystander.ts'
import { Child } from '../child-calls.ts'
import type { Ground } from '../ground.ts'
import { NumberedProducer } from '../numbered-producer.ts'
import { NumberedSource, partitions } from '../numbered-source.ts'
import { ProbedGateway } from '../probed-gateway.ts'
import { program } from '../program.ts'
import type { Bench } from '../scenario.ts'
import type { Urgency } from '../urgency.ts'
import type { WireTarget } from '../wire-client.ts'
import type { ReconnectArguments } from './arguments.ts'
import type { Clients } from './clients.ts'

/** Everything that the rounds work with; it runs until the stack that it was started on is disposed of. */
export interface Rig {
  readonly gateway: ProbedGateway
  readonly bystander: Child<Bystander>
  readonly clients: readonly Child<Clients>[]
  readonly producer: NumberedProducer
  readonly source: NumberedSource
  readonly target: WireTarget
  readonly signal: AbortSignal
}

export const symbols = 300
const tokenLifetimeS = 7200

/** All clients are one user at one address, come at once, and the bystander's pings are messages. */
const settings = {
  TICKER_TLS_SELF_SIGNED: 'yes',
  TICKER_MAX_UNSENT_BYTES: '4194304',
  TICKER_MAX_SESSIONS: '100000',
  TICKER_MAX_HANDSHAKES: '100000',
  TICKER_MESSAGES_PER_SECOND: '100000',
  // The clients' cores are not fast enough to have all handshakes done within the default of 10 s.
  TICKER_AUTH_TIMEOUT_MS: '60000',
} as const

/** Starts topics of its own, the gateway with TLS, the bystander and the processes of the clients. */
export async function startRig(
  { brokers, cores, createTopics }: Ground,
  { urgency, load }: { readonly urgency: Urgency; readonly load: ReconnectArguments },
  bench: Bench,
): Promise<Rig> {
  const { stack, signal, say } = bench
  const topics = await createTopics(partitions)
  const producer = await NumberedProducer.start(brokers, topics)
  stack.defer(() => producer.stop())
  say('starting the gateway')
  const gateway = await ProbedGateway.start({ brokers, topics, cores, profile: undefined, settings }, bench)
  const bystander = new Child<Bystander>('bystander', urgency.command(program('bystander.ts')))
  stack.defer(() => bystander.stop())
  const clients = Array.from(
    { length: load.processes },
    (_, index) => new Child<Clients>(`clients ${index + 1}`, program('reconnect/clients.ts')),
  )
  for (const child of clients) stack.defer(() => child.stop())
  const { host, port } = gateway.process
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS })
  await bystander.call('open', `wss://${host}:${port}/v1/stream`, token)
  const target = { host, port, isSecure: true, token }
  return { gateway, bystander, clients, producer, source: new NumberedSource(symbols), target, signal }
}
