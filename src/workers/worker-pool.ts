import cluster, { type Worker } from 'node:cluster'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { WorkerState } from '../metrics/process-metrics.ts'
import { releaseMs } from '../app/gateway-run.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { WorkerChannelOptions } from './worker-channel.ts'
import { notStarted, WorkerProcess } from './worker-process.ts'

/** The first worker ended before it listened; it has said why. */
export class WorkerStartError extends TickerError {
  readonly code = 'TICKER_WORKER_START'
}

/** What a worker is to the node. */
export interface WorkerPoolHandlers {
  /** Answers what it asks and takes what it tells. */
  readonly of: (worker: () => WorkerProcess) => Omit<WorkerChannelOptions, 'send'>
  /** It is gone, wanted or not. */
  readonly gone: (worker: WorkerProcess) => void
}

export interface WorkerPoolOptions {
  readonly size: number
  /** The program that workers run. */
  readonly program: string
  readonly handlers: WorkerPoolHandlers
  readonly log: FastifyBaseLogger
  /** Takes the lines that workers log. */
  readonly lines: { write(channel: string): void }
}

const firstDelayMs = 1000
const longestDelayMs = 30_000
/** Who was ready for so long does not crash again and again. */
const steadyMs = 60_000
const lookMs = 1000
/** Of the time that a stop takes beyond its drain, what the primary needs for itself. */
const ownReleaseMs = 500

/** How long to wait before a worker is replaced that has crashed so many times in a row, from 1. */
export function replacementDelayMs(crashes: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (crashes - 1))
}

/** The workers of a node: as many as there should be, each replaced when it ends. */
export class WorkerPool {
  /** Workers that ended without having been asked to. */
  restarts = 0
  /** Resolves when every worker was ready for the first time. */
  readonly ready: Promise<void>
  readonly #options: WorkerPoolOptions
  /** By slot; empty where one is waited for. */
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #crashes = new Map<number, number>()
  readonly #delays = new Set<NodeJS.Timeout>()
  readonly #first = Promise.withResolvers<string>()
  readonly #complete = Promise.withResolvers<void>()
  #watch: NodeJS.Timeout | undefined
  #hasBeenReady = false
  #isKept = true

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.ready = this.#complete.promise
  }

  /**
   * Starts the first worker and, when it listens, the others; resolves with where that is. Rejects with a `WorkerStartError` where it ends before; so what is
   * wrong with the configuration or the machine is said once.
   */
  async start(): Promise<string> {
    const { program, size } = this.#options
    // A process that is given its parent's standard error makes it wait for readers, when it starts and when it ends, for everyone who has it.
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as const
    cluster.setupPrimary({ exec: program, args: [], serialization: 'advanced', stdio: [...stdio] })
    // Connections stay for hours: they are dealt out in turn, so that each worker has as many.
    cluster.schedulingPolicy = cluster.SCHED_RR
    process.once('exit', () => this.#kill())
    this.#watch = setInterval(() => this.#look(), lookMs)
    this.#fork(1)
    const url = await this.#first.promise
    for (let slot = 2; slot <= size; slot++) this.#fork(slot)
    return url
  }

  /** Those that run, in the order in which they began. */
  get workers(): readonly WorkerProcess[] {
    return [...this.#workers.values()].toSorted((a, b) => a.number - b.number)
  }

  /** Why the node should get no new connections: until all workers were ready once, then while none is. */
  get notReadyReason(): string | undefined {
    const { size } = this.#options
    const lacking = this.workers.find(({ isReady }) => !isReady)
    if (this.#hasBeenReady && this.workers.some(({ isReady }) => isReady)) return undefined
    if (lacking === undefined) return `${this.#workers.size} of ${size} workers run`
    return `worker ${lacking.slot} of ${size}: ${lacking.isSilent ? 'it does not answer' : (lacking.notReadyReason ?? 'starting')}`
  }

  get states(): Readonly<Record<WorkerState, number>> {
    const ready = this.workers.filter(({ isReady }) => isReady).length
    return { ready, starting: this.#workers.size - ready, waiting: this.#options.size - this.#workers.size }
  }

  /** A worker listens. */
  listens(worker: WorkerProcess, url: string): void {
    worker.url = url
    this.#first.resolve(url)
  }

  /** A worker lacks something, or has become ready. */
  hasState(worker: WorkerProcess, notReadyReason: string | undefined): void {
    worker.notReadyReason = notReadyReason
    if (notReadyReason === undefined) worker.readySinceMs ??= performance.now()
    if (this.states.ready < this.#options.size || this.#hasBeenReady) return
    this.#hasBeenReady = true
    this.#complete.resolve()
  }

  /** Replaces nobody any more: the node leaves. */
  release(): void {
    this.#isKept = false
    clearInterval(this.#watch)
    for (const delay of this.#delays) clearTimeout(delay)
  }

  /** Has every worker drain within that time and end; ends those that do not. */
  async stop(drainMs: number): Promise<void> {
    this.release()
    const { workers } = this
    for (const { channel } of workers) channel.tell({ tell: 'stop' })
    const patience = new AbortController()
    const all = Promise.all(workers.map(({ ended }) => ended))
    await Promise.race([
      all,
      pause(drainMs + releaseMs - ownReleaseMs, undefined, { signal: patience.signal }).catch(
        () => undefined,
      ),
    ])
    patience.abort()
    this.#kill()
    await all
  }

  /** A worker that hangs still has its clients, and one connection after another would wait for it. */
  #look(): void {
    for (const worker of this.#workers.values()) {
      if (!worker.look()) continue
      this.#options.log.error({ worker: worker.slot, workerPid: worker.pid }, 'a worker hangs; it is ended')
      worker.kill()
    }
  }

  #fork(slot: number): void {
    const { handlers, log } = this.#options
    const forked = this.#tryFork(slot)
    if (forked === undefined) return
    const worker: WorkerProcess = new WorkerProcess(
      forked,
      slot,
      handlers.of(() => worker),
    )
    this.#workers.set(slot, worker)
    log.info({ worker: slot, workerPid: worker.pid }, 'worker begun')
    void worker.ended.then(how => this.#ended(worker, how))
  }

  /** The system may refuse: that ends neither the primary nor the place of the worker. */
  #tryFork(slot: number): Worker | undefined {
    const { lines } = this.#options
    try {
      const forked = cluster.fork()
      const { stderr } = forked.process
      if (stderr) createInterface(stderr).on('line', channel => lines.write(`${channel}\n`))
      return forked
    } catch (error) {
      this.#replace({ slot, pid: undefined, readySinceMs: undefined }, notStarted(error))
      return undefined
    }
  }

  #ended(worker: WorkerProcess, how: string): void {
    this.#workers.delete(worker.slot)
    this.#options.handlers.gone(worker)
    this.#replace(worker, how)
  }

  #replace(
    { slot, pid, readySinceMs }: Pick<WorkerProcess, 'slot' | 'pid' | 'readySinceMs'>,
    how: string,
  ): void {
    this.#first.reject(new WorkerStartError(`the first worker ${how} before it listened`))
    if (!this.#isKept) return
    this.restarts++
    const wasSteady = readySinceMs !== undefined && performance.now() - readySinceMs > steadyMs
    const crashes = wasSteady ? 1 : (this.#crashes.get(slot) ?? 0) + 1
    this.#crashes.set(slot, crashes)
    const delayMs = replacementDelayMs(crashes)
    this.#options.log.error({ worker: slot, workerPid: pid, delayMs }, `worker ${how}; another one begins`)
    const delay = setTimeout(() => {
      this.#delays.delete(delay)
      this.#fork(slot)
    }, delayMs)
    this.#delays.add(delay)
  }

  #kill(): void {
    for (const worker of this.#workers.values()) worker.kill()
  }
}
