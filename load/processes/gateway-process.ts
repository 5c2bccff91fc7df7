import type { Topics } from '../../src/log/topics.ts'
import { mintTestToken } from '../../test/support/gateway.ts'
import { GatewayProcess } from '../../test/support/gateway-process.ts'
import { kafkaVariables } from '../../test/support/topics.ts'
import type { KafkaBench } from '../lib/bench.ts'

export interface GatewayOptions {
  readonly topics: Topics
  /** The folder of a CPU profile, which it leaves when it ends. */
  readonly profile?: string | undefined
  readonly nodeOptions?: readonly string[]
  /** With a self-signed certificate. */
  readonly tls?: boolean
  /** Of the token; `stream` alone if left out. */
  readonly scopes?: NonNullable<Parameters<typeof mintTestToken>[0]>['scopes']
  /** Further variables; they win over those of `gatewaySettings`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The settings that differ from the defaults, and why the figures would be others without. */
export const gatewaySettings = {
  // A client that cannot keep up for a while is not closed.
  TICKER_MAX_UNSENT_BYTES: '268435456',
  // Rare enough not to count.
  TICKER_HEARTBEAT_MS: '60000',
  TICKER_PING_MS: '300000',
  TICKER_LOG_LEVEL: 'warn',
  // All subscribers are one user at one address, and come at once.
  TICKER_HANDSHAKES_PER_SECOND: '100000',
  TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND: '100000',
  TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1000000',
  TICKER_MAX_SESSIONS_PER_USER: '1000000',
  TICKER_SESSIONS_PER_USER_PER_SECOND: '100000',
} as const

/** Longer than any run. */
const tokenLifetimeS = 7200

/** Starts the gateway on the server's core; resolves when it is ready. It ends with the bench. */
export async function startGateway(
  { topics, profile, nodeOptions = [], tls = false, scopes = ['stream'], settings = {} }: GatewayOptions,
  { brokers, cores, signal, stack, say }: KafkaBench,
) {
  signal.throwIfAborted()
  say('starting the gateway')
  const kafka = kafkaVariables(brokers, topics)
  const variables = {
    TICKER_DRAIN_MS: '0',
    ...(tls && { TICKER_TLS_SELF_SIGNED: 'yes' }),
    ...kafka,
    ...settings,
  }
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const process = await GatewayProcess.start(
    { ...gatewaySettings, ...variables },
    { nodeOptions: [...nodeOptions, ...profiling], wrap: command => cores.server(command) },
  )
  stack.defer(() => process.stop('SIGTERM'))
  const { protocol, hostname, port } = new URL(process.find(/^ +stream +(wss?:\S+)$/m))
  const address = { host: hostname, port: Number(port), isTls: protocol === 'wss:' }
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS, scopes })
  return { process, pid: process.pid, address, token }
}

/** Settings for the notes of a report. */
export function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
