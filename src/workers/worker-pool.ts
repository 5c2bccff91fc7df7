import cluster, { type Worker } from 'node:cluster'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { releaseMs } from '../app/stop-in-time.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { WorkerState } from '../metrics/process-metrics.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import type { WorkerChannelHandlers } from './worker-channel.ts'
import { notStarted, WorkerProcess } from './worker-process.ts'

/** The first worker ended before it listened; it has logged why. */
export class WorkerStartError extends TickerError {
  readonly code = 'TICKER_WORKER_START'
}

/** The functions that the pool calls for its workers. */
export interface WorkerPoolHandlers {
  /** Returns the handlers of a new worker's channel. */
  readonly channelHandlers: (worker: () => WorkerProcess) => WorkerChannelHandlers
  /** Called when a worker has ended, asked or not. */
  readonly onGone: (worker: WorkerProcess) => void
}

export interface WorkerPoolOptions {
  readonly size: number
  /** The program that workers run. */
  readonly program: string
  readonly handlers: WorkerPoolHandlers
  readonly log: FastifyBaseLogger
  /** Takes the lines that workers log. */
  readonly lines: { write(line: string): void }
  readonly clock?: Clock
}

const firstDelayMs = 1000
const longestDelayMs = 30_000
/** A worker that was ready for so long does not crash in a loop. */
const stableMs = 60_000
const tickMs = 1000
/** The primary's own part of the time that a stop may take beyond its drain. */
const ownReleaseMs = 500

/** Returns how long to wait before a worker is replaced, by how often it has crashed in a row, from 1. */
export function replacementDelayMs(crashes: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (crashes - 1))
}

/** The workers of a node: as many as configured, each replaced when it ends. */
export class WorkerPool {
  /** Workers that ended unasked. */
  restarts = 0
  /** Resolves when every worker was ready for the first time. */
  readonly ready: Promise<void>
  readonly #options: WorkerPoolOptions
  readonly #clock: Clock
  /** By ordinal; absent while the worker waits to be replaced. */
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #crashes = new Map<number, number>()
  readonly #replacements = new Set<NodeJS.Timeout>()
  readonly #firstUrl = Promise.withResolvers<string>()
  readonly #allReady = Promise.withResolvers<void>()
  #ticks: NodeJS.Timeout | undefined
  #hasBeenReady = false
  #isReplacing = true

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.ready = this.#allReady.promise
  }

  /**
   * Starts the first worker and, when it listens, the others. Resolves with the URL. Rejects with a
   * `WorkerStartError` if the first one ends before, so that a fault of the configuration or the machine is
   * logged once.
   */
  async start(): Promise<string> {
    const { program, size } = this.#options
    // A process with its parent's standard error waits, at its start and end, for that to be read.
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as const
    cluster.setupPrimary({ exec: program, args: [], serialization: 'advanced', stdio: [...stdio] })
    // Connections last for hours: dealt out in turn, every worker gets as many.
    cluster.schedulingPolicy = cluster.SCHED_RR
    process.once('exit', () => this.#killAll())
    this.#ticks = setInterval(() => this.#tick(), tickMs)
    this.#fork(1)
    const url = await this.#firstUrl.promise
    for (let ordinal = 2; ordinal <= size; ordinal++) this.#fork(ordinal)
    return url
  }

  /** The running workers, in the order in which they were started. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()].toSorted((a, b) => a.number - b.number)
  }

  /** Why the node should get no connections: until every worker was ready once, then while none is. */
  get notReadyReason(): string | undefined {
    const { size } = this.#options
    const unready = this.workers.find(({ isReady }) => !isReady)
    if (this.#hasBeenReady && this.workers.some(({ isReady }) => isReady)) return undefined
    if (unready === undefined) return `${this.#workers.size} of ${size} workers run`
    const reason = unready.isSilent ? 'it does not answer' : (unready.notReadyReason ?? 'starting')
    return `worker ${unready.ordinal} of ${size}: ${reason}`
  }

  get states(): Readonly<Record<WorkerState, number>> {
    const ready = this.workers.filter(({ isReady }) => isReady).length
    return { ready, starting: this.#workers.size - ready, waiting: this.#options.size - this.#workers.size }
  }

  /** States that a worker listens. */
  noteListening(worker: WorkerProcess, url: string): void {
    worker.url = url
    this.#firstUrl.resolve(url)
  }

  /** States why a worker is not ready, or with `undefined` that it is. */
  noteState(worker: WorkerProcess, notReadyReason: string | undefined): void {
    worker.notReadyReason = notReadyReason
    if (notReadyReason === undefined) worker.readySinceMs ??= this.#clock.steady()
    if (this.states.ready < this.#options.size || this.#hasBeenReady) return
    this.#hasBeenReady = true
    this.#allReady.resolve()
  }

  /** Replaces no worker from now on: the node is leaving. */
  stopReplacing(): void {
    this.#isReplacing = false
    clearInterval(this.#ticks)
    for (const replacement of this.#replacements) clearTimeout(replacement)
  }

  /** Has every worker drain within a time and end; kills those that do not. */
  async stop(drainMs: number): Promise<void> {
    this.stopReplacing()
    const { workers } = this
    for (const { channel } of workers) channel.tell({ tell: 'stop' })
    const timeout = new AbortController()
    const allEnded = Promise.all(workers.map(({ ended }) => ended))
    const timeoutMs = drainMs + releaseMs - ownReleaseMs
    await Promise.race([allEnded, pause(timeoutMs, undefined, timeout).catch(() => undefined)])
    timeout.abort()
    this.#killAll()
    await allEnded
  }

  /**
   * Ends workers that hang: they still have their clients, and connection after connection would wait for
   * them.
   */
  #tick(): void {
    for (const worker of this.#workers.values()) {
      worker.tick()
      if (!worker.isHanging) continue
      this.#options.log.error(
        { worker: worker.ordinal, workerPid: worker.pid },
        'a worker hangs; it is ended',
      )
      worker.kill()
    }
  }

  #fork(ordinal: number): void {
    const { handlers, log } = this.#options
    const forked = this.#tryFork(ordinal)
    if (forked === undefined) return
    const channelHandlers = handlers.channelHandlers(() => worker)
    const worker = new WorkerProcess(forked, ordinal, channelHandlers)
    this.#workers.set(ordinal, worker)
    log.info({ worker: ordinal, workerPid: worker.pid }, 'worker begun')
    void worker.ended.then(how => this.#onEnded(worker, how))
  }

  #onEnded(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker.ordinal)
    this.#options.handlers.onGone(worker)
    this.#replace(worker, how)
  }

  /** The system may refuse a process; then this worker gets another try later. */
  #tryFork(ordinal: number): Worker | undefined {
    const { lines } = this.#options
    try {
      const forked = cluster.fork()
      const { stderr } = forked.process
      if (stderr) createInterface(stderr).on('line', line => lines.write(`${line}\n`))
      return forked
    } catch (error) {
      this.#replace({ ordinal, pid: undefined, readySinceMs: undefined }, notStarted(error))
      return undefined
    }
  }

  #replace(
    { ordinal, pid, readySinceMs }: Pick<WorkerProcess, 'ordinal' | 'pid' | 'readySinceMs'>,
    how: string,
  ): void {
    this.#firstUrl.reject(new WorkerStartError(`the first worker ${how} before it listened`))
    if (!this.#isReplacing) return
    this.restarts++
    const wasStable = readySinceMs !== undefined && this.#clock.steady() - readySinceMs > stableMs
    const crashes = wasStable ? 1 : (this.#crashes.get(ordinal) ?? 0) + 1
    this.#crashes.set(ordinal, crashes)
    const delayMs = replacementDelayMs(crashes)
    this.#options.log.error({ worker: ordinal, workerPid: pid, delayMs }, `worker ${how}; another one begins`)
    const replacement = setTimeout(() => {
      this.#replacements.delete(replacement)
      this.#fork(ordinal)
    }, delayMs)
    this.#replacements.add(replacement)
  }

  #killAll(): void {
    for (const worker of this.#workers.values()) worker.kill()
  }
}
