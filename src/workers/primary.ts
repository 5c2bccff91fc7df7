import type { FastifyBaseLogger } from 'fastify'
import { Drain } from '../admin/drain.ts'
import { startDemo } from '../app/gateway-parts.ts'
import type { Gateway } from '../app/gateway.ts'
import type { NodeOptions } from '../app/gateway-node.ts'
import { listenToOperators } from '../app/listeners.ts'
import { openLog } from '../app/open-log.ts'
import {
  createAdminServer,
  createOperationsApp,
  type LogStream,
  warnOfDescriptors,
} from '../app/operator-servers.ts'
import { Revocations } from '../auth/revocations.ts'
import type { Config } from '../config/config.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { serveOperations } from '../http/operations.ts'
import { LocalQuotas, quotaLimits } from '../limits/node-quotas.ts'
import { systemClock } from '../system/clock.ts'
import { LogOutput } from '../system/process-output.ts'
import { metricsPage, type MetricsPart } from './merged-metrics.ts'
import { NodeMetrics } from './node-metrics.ts'
import { NodeSessions } from './node-sessions.ts'
import { isDrained } from './worker-messages.ts'
import { WorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'
import { WorkerRequestHandler } from './worker-request-handler.ts'

export interface PrimaryOptions extends Pick<NodeOptions, 'logStream'> {
  /** The program that workers run. */
  readonly program: string
}

/** How long a worker may take to answer with its metrics: less than Prometheus waits. */
const metricsWithinMs = 3000
/** How long a worker may take to answer after its drain. */
const drainGraceMs = 5000

/**
 * Starts a node of several processes. This one keeps what belongs to the node (quotas, revocations, metrics,
 * health, administration); its workers serve the stream.
 */
export async function startPrimary(
  config: Config,
  options: PrimaryOptions,
): Promise<Omit<Gateway, 'controls'>> {
  return await new Primary(config, options).start()
}

class Primary {
  readonly #config: Config
  readonly #log: FastifyBaseLogger
  readonly #logStream: LogStream
  readonly #operations
  readonly #administration
  readonly #quotas: LocalQuotas
  readonly #revocations = new Revocations()
  readonly #pool: WorkerPool
  readonly #drain: Drain
  readonly #metrics: NodeMetrics
  readonly #silenceLog: RateLimitedLog
  #isStarted = false
  #isStopping = false

  constructor(config: Config, { program, logStream = new LogOutput() }: PrimaryOptions) {
    this.#config = config
    this.#logStream = logStream
    this.#operations = createOperationsApp(config, logStream)
    const { log } = this.#operations
    this.#log = log
    warnOfDescriptors(config, log)
    this.#silenceLog = new RateLimitedLog(log)
    this.#quotas = new LocalQuotas(quotaLimits({ ...config.limits, ...config.publish }))
    const revocations = this.#revocations
    const handlers = new WorkerRequestHandler({
      quotas: this.#quotas,
      revocations,
      pool: () => this.#pool,
      onGone: ({ number }) => this.#metrics.forget(number),
      log,
    })
    this.#pool = new WorkerPool({ size: config.workers, program, handlers, log, lines: logStream })
    this.#drain = new Drain({ sessions: this.#drainable(), defaultMs: config.limits.drainMs })
    const sessions = new NodeSessions({ workers: () => this.#pool.workers, revocations, log })
    this.#administration = createAdminServer(config.administration, {
      sessions,
      feeds: config.feeds.map(({ name }) => name),
      revocations: { list: () => revocations.list(), lift: number => sessions.lift(number) },
      drain: this.#drain,
      log,
      clock: systemClock,
    })
    this.#metrics = this.#createMetrics()
    serveOperations(this.#operations, {
      registry: this.#metrics,
      notReadyReason: () => this.#notReadyReason(),
      // Workers read the same log, so one report stands for all.
      outages: () => this.#pool.workers.find(({ outages }) => outages.length > 0)?.outages ?? [],
      hasFeeds: config.feeds.length > 1,
    })
  }

  async start(): Promise<Omit<Gateway, 'controls'>> {
    await using resources = new AsyncDisposableStack()
    const ended = Promise.withResolvers<void>()
    resources.defer(() => ended.resolve())
    // It starts last, but ends after the workers.
    const demo = resources.use(new AsyncDisposableStack())
    resources.defer(() => this.#stop())
    const addresses = await listenToOperators({
      config: this.#config,
      operations: this.#operations,
      administration: this.#administration,
    })
    this.#isStarted = true
    const url = await this.#pool.start()
    demo.defer(this.#startDemo())
    const started = resources.move()
    let stopping: Promise<void> | undefined
    return {
      url,
      operationsUrl: `http://${addresses.operations}`,
      administrationUrl: addresses.administration && `http://${addresses.administration}`,
      ready: this.#pool.ready,
      ended: ended.promise,
      stop: () => (stopping ??= started.disposeAsync()),
    }
  }

  /** One process makes the market; the workers read it from the log like any other. */
  #startDemo(): () => Promise<void> {
    if (this.#config.demo === undefined) return () => Promise.resolve()
    const log = openLog(this.#config, this.#log).events
    const stop = startDemo(this.#config, log, this.#log)
    return async () => {
      await stop()
      await log.close()
    }
  }

  #createMetrics(): NodeMetrics {
    return new NodeMetrics({
      ask: () => this.#askMetrics(),
      isReady: () => this.#notReadyReason() === undefined,
      droppedLines: () => this.#logStream.dropped ?? 0,
      workers: { states: () => this.#pool.states, restarts: () => this.#pool.restarts },
      administration: this.#administration?.counts,
      clock: systemClock,
    })
  }

  /** Workers drain together. The connections that the quotas count are their sessions. */
  #drainable(): { readonly size: number; drain(withinMs: number): Promise<void> } {
    const quotas = this.#quotas
    const drain = async (withinMs: number): Promise<void> => {
      this.#pool.stopReplacing()
      const options = { answer: isDrained, withinMs: withinMs + drainGraceMs }
      const drained = this.#pool.workers.map(({ channel }) =>
        channel.ask({ ask: 'drain', withinMs }, options),
      )
      for (const { status } of await Promise.allSettled(drained)) {
        if (status === 'rejected') this.#silenceLog.warn({}, 'a worker has not confirmed its drain')
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
    return this.#isStarted ? this.#pool.notReadyReason : 'starting'
  }

  async #askMetrics(): Promise<readonly MetricsPart[]> {
    const asked = this.#pool.workers.map(worker => this.#askMetricsOf(worker))
    const parts = (await Promise.all(asked)).filter(part => part !== undefined)
    const running = new Set(this.#pool.workers.map(({ number }) => number))
    return parts.filter(({ worker }) => running.has(worker))
  }

  async #askMetricsOf({ channel, ordinal, number }: WorkerProcess): Promise<MetricsPart | undefined> {
    try {
      const options = { answer: metricsPage, withinMs: metricsWithinMs }
      const metrics = await channel.ask({ ask: 'metrics' }, options)
      return { process: String(ordinal), worker: number, metrics }
    } catch (error) {
      const fields = { worker: ordinal, reason: messageOf(error) }
      this.#silenceLog.warn(fields, 'a worker has not answered with its metrics')
      return undefined
    }
  }

  async #stop(): Promise<void> {
    this.#isStopping = true
    await this.#pool.stop(this.#config.limits.drainMs)
    await Promise.all([this.#operations.close(), this.#administration?.app.close()])
  }
}
