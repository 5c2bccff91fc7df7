import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Guard } from '../support/guard.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const patienceMs = 60_000
const pollMs = 20

export const adminToken = 'a-token-of-the-tests-alone-'.repeat(2)

const settings = {
  TICKER_MODE: 'development',
  TICKER_WORKERS: '2',
  TICKER_PORT: '0',
  TICKER_OPS_PORT: '0',
  TICKER_ADMIN_PORT: '0',
  TICKER_ADMIN_TOKEN: adminToken,
}

/** What its operator gives it less of. */
export interface ProcessLimits {
  /** Files and sockets that each of its processes may have open. */
  readonly descriptors?: number
  /** Where standard error goes, instead of into `errors`. */
  readonly errorFile?: string
}

interface WorkerLine {
  readonly msg: string
  readonly worker: number
  readonly workerPid: number
}

/** A node of several processes, as its operator starts it. None of them outlives this process. */
export class NodeProcess {
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  readonly #guard = new Guard('')
  #out = ''
  #err = ''
  #hasEnded = false

  private constructor(env: Readonly<Record<string, string>>, limits: ProcessLimits = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_'))
    const [command, ...args] = limitedTo(limits, [process.execPath, main])
    this.#child = spawn(command, args, {
      env: { ...Object.fromEntries(inherited), ...settings, ...env },
    })
    this.#guard.watch(this.#child.pid)
    this.#child.stdout?.on('data', chunk => (this.#out += String(chunk)))
    this.#child.stderr?.on('data', chunk => (this.#err += String(chunk)))
    this.ended = once(this.#child, 'exit').then(([code]) => {
      this.#hasEnded = true
      this.#guard.watch(undefined)
      return code as number | null
    })
  }

  /** Starts one, and waits for nothing. */
  static begin(env: Readonly<Record<string, string>>): NodeProcess {
    return new NodeProcess(env)
  }

  /** Resolves when it is ready. */
  static async start(
    env: Readonly<Record<string, string>>,
    limits: ProcessLimits = {},
  ): Promise<NodeProcess> {
    const node = new NodeProcess(env, limits)
    await node.until(() => node.hasListened, 'its addresses')
    await node.until(() => node.isReady(), 'health')
    return node
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Whether it has printed where it listens. */
  get hasListened(): boolean {
    return this.#out.includes('/readyz')
  }

  get streamUrl(): string {
    return this.#address(/^ +stream +(ws:\S+)$/m)
  }

  get operationsUrl(): string {
    return this.#address(/^ +health +(http:\S+)\/readyz$/m)
  }

  /** What it has written to standard error. */
  get errors(): string {
    return this.#err
  }

  /** The process ids of its workers, by slot, also of those that are gone; the last of each counts. */
  get workers(): ReadonlyMap<number, number> {
    const begun = this.#err
      .split('\n')
      .filter(line => line.includes('"worker begun"'))
      .map(line => JSON.parse(line) as WorkerLine)
    return new Map(begun.map(({ worker, workerPid }) => [worker, workerPid]))
  }

  /** Whoever reads its standard error goes away. */
  stopReading(): void {
    this.#child.stderr?.destroy()
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.operationsUrl}/readyz`)).ok
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The value of a metric by its name with its labels. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.operationsUrl}/metrics`)).text()
    const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }

  /** Asks the administration listener. */
  async administer(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const url = this.#address(/^ +admin +(http:\S+)\/v1\/sessions$/m)
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  /** Resolves when something holds; rejects with what was printed where it does not in time. */
  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    while (!(await condition())) {
      if (this.#hasEnded || performance.now() > deadlineMs)
        throw new Error(`waited for ${what}\n${this.#out}${this.#err}`)
      await pause(pollMs)
    }
  }

  /** Ends it and its workers, if they still run. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
    await this.#guard.end()
    await untilGone([...this.workers.values()])
  }

  #address(pattern: RegExp): string {
    const [, found] = pattern.exec(this.#out) ?? []
    if (found === undefined) throw new Error(`${pattern}: not in ${this.#out}`)
    return found
  }
}

/** The command line, in a shell that limits it first and then becomes it. */
function limitedTo({ descriptors, errorFile }: ProcessLimits, command: readonly [string, ...string[]]) {
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const redirection = errorFile === undefined ? '' : `2> ${errorFile}`
  return ['bash', '-c', `${limit}exec "$0" "$@" ${redirection}`, ...command] as const
}

/** Resolves when none of these processes runs. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  while (pids.some(isRunning)) {
    if (performance.now() > deadlineMs) throw new Error(`${pids.filter(isRunning).join(', ')} still run`)
    await pause(pollMs)
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
