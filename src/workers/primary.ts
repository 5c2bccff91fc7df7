import type { FastifyBaseLogger } from 'fastify'
import { Drain } from '../admin/drain.ts'
import { Revocations } from '../auth/revocations.ts'
import type { Config } from '../config/config.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import { createAdminServer } from '../app/operator-servers.ts'
import {
  createOperationsApp,
  type GatewayOptions,
  type LogStream,
  warnOfDescriptors,
} from '../app/gateway.ts'
import type { Gateway } from '../app/gateway-run.ts'
import { listenToOperators } from '../app/listeners.ts'
import type { WorkerSources } from '../metrics/process-metrics.ts'
import { openLog } from '../app/open-log.ts'
import { serveOperations } from '../http/operations.ts'
import { LocalQuotas } from '../limits/node-quotas.ts'
import { quotaLimits } from '../limits/node-limits.ts'
import { LogOutput } from '../system/process-output.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { WorkerPool } from './worker-pool.ts'
import type { MetricPart } from './merged-metrics.ts'
import { parseMetrics } from './metric-page.ts'
import { NodeMetrics } from './node-metrics.ts'
import { NodeSessions } from './node-sessions.ts'
import { WorkerRequestHandler } from './worker-request-handler.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface PrimaryOptions extends Pick<GatewayOptions, 'logStream'> {
  /** The program that workers run. */
  readonly program: string
}

/** How long a worker has to say its metrics: less than Prometheus waits. */
const metricsWithinMs = 3000
/** What a drain may take beyond its time. */
const drainGraceMs = 5000

/**
 * Starts a node of several processes: this one keeps what is the node's (limits, revocations, metrics, health, administration), its
 * workers serve the stream.
 */
export async function startPrimary(
  config: Config,
  options: PrimaryOptions,
): Promise<Omit<Gateway, 'controls'>> {
  const node = new Primary(config, options)
  return await node.start()
}

class Primary {
  readonly #config: Config
  readonly #program: string
  readonly #log: FastifyBaseLogger
  readonly #lines: LogStream
  readonly #operations
  readonly #administration
  readonly #quotas: LocalQuotas
  readonly #revocations = new Revocations()
  readonly #requestHandler: WorkerRequestHandler
  readonly #drain: Drain
  readonly #metrics: NodeMetrics
  readonly #silent: RateLimitedLog
  #pool: WorkerPool | undefined
  #isStopping = false

  constructor(config: Config, { program, logStream = new LogOutput() }: PrimaryOptions) {
    this.#config = config
    this.#program = program
    this.#lines = logStream
    this.#operations = createOperationsApp(config, logStream)
    const { log } = this.#operations
    this.#log = log
    warnOfDescriptors(config, log)
    this.#silent = new RateLimitedLog(log)
    this.#quotas = new LocalQuotas(quotaLimits({ ...config.limits, ...config.publish }))
    const revocations = this.#revocations
    this.#requestHandler = new WorkerRequestHandler({
      quotas: this.#quotas,
      revocations,
      pool: () => this.#workers,
      onGone: ({ number }) => this.#metrics.forget(number),
      log,
    })
    this.#drain = new Drain({ sessions: this.#drainable(), defaultMs: config.limits.drainMs })
    const sessions = new NodeSessions({ workers: () => this.#running, revocations, log })
    this.#administration = createAdminServer(config.administration, {
      sessions,
      revocations: { list: () => revocations.list(), lift: number => sessions.lift(number) },
      drain: this.#drain,
      log,
    })
    this.#metrics = new NodeMetrics({
      ask: () => this.#askMetrics(),
      isReady: () => this.#notReadyReason() === undefined,
      droppedLines: () => logStream.dropped ?? 0,
      workers: { states: () => this.#states(), restarts: () => this.#pool?.restarts ?? 0 },
      administration: this.#administration?.counts,
    })
    serveOperations(this.#operations, {
      registry: this.#metrics,
      notReadyReason: () => this.#notReadyReason(),
      // Workers read the same log; one says what several have.
      outage: () => this.#running.find(({ outage }) => outage !== undefined)?.outage,
    })
  }

  async start(): Promise<Omit<Gateway, 'controls'>> {
    const listeners = {
      config: this.#config,
      operations: this.#operations,
      administration: this.#administration,
    }
    try {
      const addresses = await listenToOperators(listeners)
      const url = await this.#startPool()
      const stopDemo = this.#startDemo()
      const ended = Promise.withResolvers<void>()
      const stop = async (): Promise<void> => {
        await this.#stop()
        await stopDemo()
        ended.resolve()
      }
      let stopping: Promise<void> | undefined
      return {
        url,
        operationsUrl: `http://${addresses.operations}`,
        administrationUrl: addresses.administration && `http://${addresses.administration}`,
        ready: this.#workers.ready,
        ended: ended.promise,
        stop: () => (stopping ??= stop()),
      }
    } catch (error) {
      await this.#stop()
      throw error
    }
  }

  get #workers(): WorkerPool {
    if (this.#pool === undefined) throw new TypeError('no worker has been started')
    return this.#pool
  }

  get #running(): readonly WorkerProcess[] {
    return this.#pool?.workers ?? []
  }

  async #startPool(): Promise<string> {
    const { workers: size } = this.#config
    const options = {
      size,
      program: this.#program,
      handlers: this.#requestHandler,
      log: this.#log,
      lines: this.#lines,
    }
    this.#pool = new WorkerPool(options)
    return await this.#pool.start()
  }

  /** One process makes the market; the workers read it from the log, as everybody does. */
  #startDemo(): () => Promise<void> {
    const { demo } = this.#config
    if (demo === undefined) return () => Promise.resolve()
    const log = openLog(this.#config, this.#log).events
    const market = createDemoMarket({ seed: demo.seed, startMs: Date.now() })
    const feed = startDemoFeed({ log, market, logger: this.#log })
    return async () => {
      await feed.stop()
      await log.close()
    }
  }

  /** Workers drain together; what the ledger counts as connections are their sessions. */
  #drainable(): { readonly size: number; drain(withinMs: number): Promise<void> } {
    const quotas = this.#quotas
    const drain = async (withinMs: number): Promise<void> => {
      this.#pool?.release()
      const rule = { parse: () => true, withinMs: withinMs + drainGraceMs }
      const drained = this.#running.map(({ channel }) => channel.ask({ ask: 'drain', withinMs }, rule))
      for (const { status } of await Promise.allSettled(drained)) {
        if (status === 'rejected') this.#silent.warn({}, 'a worker has not said that it is drained')
      }
    }
    return {
      get size() {
        return quotas.slotsTaken('connectionsPerAddress')
      },
      drain,
    }
  }

  #notReadyReason(): string | undefined {
    if (this.#drain.isBegun || this.#isStopping) return 'leaving'
    return this.#pool === undefined ? 'starting' : this.#pool.notReadyReason
  }

  #states(): ReturnType<WorkerSources['states']> {
    return this.#pool?.states ?? { ready: 0, starting: 0, waiting: this.#config.workers }
  }

  async #askMetrics(): Promise<readonly MetricPart[]> {
    const rule = { parse: parseMetrics, withinMs: metricsWithinMs }
    const asked = this.#running.map(async ({ channel, slot, number }): Promise<MetricPart | undefined> => {
      try {
        return { process: String(slot), worker: number, metrics: await channel.ask({ ask: 'metrics' }, rule) }
      } catch (error) {
        this.#silent.warn({ worker: slot, reason: messageOf(error) }, 'a worker has not said its metrics')
        return undefined
      }
    })
    const parts = (await Promise.all(asked)).filter(part => part !== undefined)
    const there = new Set(this.#running.map(({ number }) => number))
    return parts.filter(({ worker }) => there.has(worker))
  }

  async #stop(): Promise<void> {
    this.#isStopping = true
    await this.#pool?.stop(this.#config.limits.drainMs)
    await Promise.all([this.#operations.close(), this.#administration?.app.close()])
  }
}
