import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Topics } from '../src/log/topics.ts'
import { messageOf } from '../src/diagnostics/ticker-error.ts'
import { Guard } from '../test/support/guard.ts'
import { kafkaVariables } from '../test/support/topics.ts'
import type { Cores } from './cores.ts'

export interface GatewayProcessOptions {
  readonly brokers: string
  readonly topics: Topics
  readonly cores: Cores
  /** Where it leaves a CPU profile when it ends. */
  readonly profile: string | undefined
  /** Options for Node itself. */
  readonly nodeOptions?: readonly string[]
  /** Further variables; they win over those above. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What differs from the defaults, and why the figures would be other ones without. */
export const gatewaySettings = {
  // A version without lagging readers ends who does not keep up: a backlog must fit.
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

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const startTimeoutMs = 20_000
const stopTimeoutMs = 5000
const pollMs = 50
const patienceMs = 2000
const keptErrorText = 4000

/** The gateway as its operator runs it: `src/main.ts`, in development mode, in a process of its own. */
export class GatewayProcess {
  readonly host: string
  readonly port: number
  readonly #metrics: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #guard: Guard

  private constructor(child: ChildProcessWithoutNullStreams, guard: Guard, address: Address) {
    this.#child = child
    this.#guard = guard
    this.host = address.host
    this.port = address.port
    this.#metrics = address.metrics
  }

  /** Resolves when it is ready; rejects with what it printed when it does not become so. */
  static async start(options: GatewayProcessOptions): Promise<GatewayProcess> {
    const child = spawnGateway(options)
    const guard = new Guard('')
    guard.watch(child.pid)
    try {
      const address = await becomeReady(child)
      return new GatewayProcess(child, guard, address)
    } catch (error) {
      await guard.end()
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether it still runs. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The value of a metric, by its name with its labels; `NaN` where it is absent. Asking costs it some milliseconds. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(this.#metrics, { signal: AbortSignal.timeout(patienceMs) })).text()
    const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
    return line === undefined ? Number.NaN : Number(line.slice(name.length + 1))
  }

  /** Ends it in order, and after some seconds at once. */
  async stop(): Promise<void> {
    if (this.isRunning) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      const bound = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs)
      await ended
      clearTimeout(bound)
    }
    this.#guard.watch(undefined)
    await this.#guard.end()
  }
}

function spawnGateway({
  brokers,
  topics,
  cores,
  profile,
  nodeOptions = [],
  settings = {},
}: GatewayProcessOptions): ChildProcessWithoutNullStreams {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const [command, ...parameters] = cores.server([process.execPath, ...nodeOptions, ...profiling, main])
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_'))
  const env = {
    ...Object.fromEntries(inherited),
    ...gatewaySettings,
    TICKER_MODE: 'development',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_DRAIN_MS: '0',
    ...kafkaVariables(brokers, topics),
    ...settings,
  }
  // In a session of its own: Ctrl-C in the terminal is ours, and we end it in order.
  return spawn(command, parameters, { env, detached: true })
}

interface Address {
  readonly host: string
  readonly port: number
  readonly metrics: string
}

async function becomeReady(child: ChildProcessWithoutNullStreams): Promise<Address> {
  let printed = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-keptErrorText)
  })
  const ended = Promise.withResolvers<never>()
  child.once('error', ended.reject)
  child.once('exit', (code, signal) => ended.reject(new Error(`it ended with ${code ?? signal}`)))
  try {
    return await Promise.race([ended.promise, readyAddress(() => printed)])
  } catch (error) {
    throw new Error(`the gateway did not become ready: ${messageOf(error)}\n${errors}`, { cause: error })
  }
}

/** Looks for the addresses in what was printed, and then waits for health. */
async function readyAddress(printed: () => string): Promise<Address> {
  const deadlineMs = performance.now() + startTimeoutMs
  while (performance.now() < deadlineMs) {
    const [, host, port] = /^ +stream +wss?:\/\/(.+):(\d+)\/v1\/stream$/m.exec(printed()) ?? []
    const [, operations] = /^ +health +(http:\S+)\/readyz$/m.exec(printed()) ?? []
    if (host !== undefined && operations !== undefined && (await isGreen(`${operations}/readyz`)))
      return { host, port: Number(port), metrics: `${operations}/metrics` }
    await pause(pollMs)
  }
  throw new Error(`not within ${startTimeoutMs} ms`)
}

async function isGreen(health: string): Promise<boolean> {
  const response = await fetch(health, { signal: AbortSignal.timeout(patienceMs) })
  await response.body?.cancel()
  return response.ok
}
