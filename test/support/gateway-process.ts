import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { mintTestToken, readMetric } from './gateway.ts'
import { Guard } from './guard.ts'
import { waitUntil } from './wait-until.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** pino's numbers for `error` and `fatal`. */
const errorLine = /^\{"level":[56]0,/

export const adminToken = 'a-token-of-the-tests-alone-'.repeat(2)

const settings = {
  TICKER_MODE: 'development',
  TICKER_PORT: '0',
  TICKER_OPS_PORT: '0',
  TICKER_ADMIN_PORT: '0',
  TICKER_ADMIN_TOKEN: adminToken,
} as const

export interface GatewayProcessOptions {
  /** Files and sockets that each of its processes may have open. */
  readonly descriptors?: number
  /** The file for standard error, which is not kept then. */
  readonly errorFile?: string
  readonly nodeOptions?: readonly string[]
  /** The command that runs another one, on certain cores for example. */
  readonly wrap?: (command: readonly [string, ...string[]]) => readonly [string, ...string[]]
}

export interface AdministrationAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/**
 * `src/main.ts` in a process of its own, in development, as its operator starts it. It never outlives this
 * process.
 */
export class GatewayProcess {
  /**
   * Resolves with the exit code, or with the signal that ended the process, after all of its output has come.
   */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly token = mintTestToken
  readonly #child: ChildProcess
  readonly #guard = new Guard('')
  #output = ''
  #log = ''
  #hasEnded = false

  /** Starts the process and waits for nothing. */
  constructor(env: Readonly<Record<string, string>>, options: GatewayProcessOptions = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_'))
    const { nodeOptions = [], wrap = command => command } = options
    const [program, ...args] = limited(options, wrap([process.execPath, ...nodeOptions, main]))
    this.#child = spawn(program, args, { env: { ...Object.fromEntries(inherited), ...settings, ...env } })
    this.#guard.watch(this.#child.pid)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text))
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#hasEnded = true
      this.#guard.watch(undefined)
      return (code ?? signal) as number | NodeJS.Signals
    })
  }

  /**
   * Resolves when the gateway is ready; rejects with its output if it ends before, or is not ready in a
   * minute.
   */
  static async start(
    env: Readonly<Record<string, string>>,
    options?: GatewayProcessOptions,
  ): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(env, options)
    try {
      await gateway.until(() => gateway.hasListened, 'its addresses')
      await gateway.until(() => gateway.isReady(), 'readiness')
    } catch (error) {
      await gateway.stop()
      throw error
    }
    return gateway
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Whether it has printed its addresses. */
  get hasListened(): boolean {
    return this.#output.includes('/readyz')
  }

  /** `ws://host:port/v1/stream`. */
  get streamUrl(): string {
    return this.find(/^ +stream +(ws:\S+)$/m)
  }

  /** `http://host:port`. */
  get url(): string {
    return this.streamUrl.replace('ws', 'http').replace('/v1/stream', '')
  }

  get operationsUrl(): string {
    return this.find(/^ +health +(http:\S+)\/readyz$/m)
  }

  /** Everything that it has written to standard error. */
  get log(): string {
    return this.#log
  }

  /** The lines of its log with the level error or above, and those that are no JSON. */
  get errors(): readonly string[] {
    return this.#log
      .split('\n')
      .filter(line => line !== '' && (errorLine.test(line) || !line.startsWith('{')))
  }

  /**
   * The process ids of its workers by slot, those that have ended included; the last one of each slot counts.
   */
  get workers(): ReadonlyMap<number, number> {
    const begun = this.#log.split('\n').filter(line => line.includes('"worker begun"'))
    return new Map(
      begun.map(line => {
        const { worker, workerPid } = JSON.parse(line) as {
          readonly worker: number
          readonly workerPid: number
        }
        return [worker, workerPid]
      }),
    )
  }

  /** The first group of a pattern in its output or log; throws if it is not there. */
  find(pattern: RegExp): string {
    const [, found] = pattern.exec(this.#output) ?? pattern.exec(this.#log) ?? []
    if (found === undefined) throw new Error(`${pattern}: not in\n${this.#output}${this.#log}`)
    return found
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.operationsUrl}/readyz`)
    await answer.body?.cancel()
    return answer.ok
  }

  /** The value of a metric by its name with its labels. */
  async metric(name: string): Promise<number | undefined> {
    return await readMetric(`${this.operationsUrl}/metrics`, name)
  }

  /** Sends a request to the administration listener. */
  async administer(method: string, path: string, body?: object): Promise<AdministrationAnswer> {
    const response = await fetch(`${this.find(/^ +admin +(http:\S+)\/v1\/sessions$/m)}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  /**
   * Resolves when the condition holds; rejects with its output if it does not in time, or if the process
   * ends.
   */
  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    let holds = false
    try {
      await waitUntil(async () => this.#hasEnded || (holds = await condition()), what)
      if (!holds) throw new Error(`it ended, and ${what} was waited for`)
    } catch (error) {
      throw new Error(`the gateway:\n${this.#output}${this.#log}`, { cause: error })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes the pipe that it writes its log to. */
  stopReading(): void {
    this.#child.stderr?.destroy()
  }

  /** Kills it and its workers, if they still run; the signal is sent before this returns. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.ended
    await this.#guard.end()
    await untilGone([...this.workers.values()])
  }
}

/** The command line, in a shell that sets the limits and then becomes the command. */
function limited({ descriptors, errorFile }: GatewayProcessOptions, command: readonly [string, ...string[]]) {
  if (descriptors === undefined && errorFile === undefined) return command
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const redirection = errorFile === undefined ? '' : `2> ${errorFile}`
  return ['bash', '-c', `${limit}exec "$0" "$@" ${redirection}`, ...command] as const
}

/** Resolves when none of these processes runs. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  await waitUntil(() => !pids.some(isRunning), `the end of the processes ${pids.join(', ')}`)
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
