import type { FastifyBaseLogger } from 'fastify'
import { Drain } from '../admin/drain.ts'
import { Revocations } from '../auth/revocations.ts'
import type { Config } from '../config/config.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import { createAdminServer } from '../gateway/admin-server.ts'
import {
  createOperationsApp,
  type GatewayOptions,
  type LogStream,
  warnOfDescriptors,
} from '../gateway/gateway.ts'
import type { Gateway } from '../gateway/gateway-run.ts'
import { listenToOperators } from '../gateway/listen.ts'
import type { WorkerFigures } from '../gateway/metrics/worker-metrics.ts'
import { openLog } from '../gateway/open-log.ts'
import { serveOperations } from '../http/operations.ts'
import { LocalLedger } from '../limits/ledger.ts'
import { ledgerLimits } from '../limits/ledger-limits.ts'
import { LogOutput } from '../process-output.ts'
import { RateLimitedLog } from '../rate-limited-log.ts'
import { messageOf } from '../ticker-error.ts'
import { Crew } from './crew.ts'
import type { MetricPart } from './merged-metrics.ts'
import { parseMetrics } from './metric-page.ts'
import { NodeMetrics } from './node-metrics.ts'
import { NodeSessions } from './node-sessions.ts'
import { WorkerDesk } from './worker-desk.ts'
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
  readonly #ledger: LocalLedger
  readonly #revocations = new Revocations()
  readonly #desk: WorkerDesk
  readonly #drain: Drain
  readonly #metrics: NodeMetrics
  readonly #silent: RateLimitedLog
  #crew: Crew | undefined
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
    this.#ledger = new LocalLedger(ledgerLimits({ ...config.limits, ...config.publish }))
    const revocations = this.#revocations
    this.#desk = new WorkerDesk({
      ledger: this.#ledger,
      revocations,
      crew: () => this.#workers,
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
      isReady: () => this.#notReady() === undefined,
      droppedLines: () => logStream.dropped ?? 0,
      workers: { states: () => this.#states(), restarts: () => this.#crew?.restarts ?? 0 },
      administration: this.#administration?.counts,
    })
    serveOperations(this.#operations, {
      registry: this.#metrics,
      notReady: () => this.#notReady(),
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
      const url = await this.#startCrew()
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

  get #workers(): Crew {
    if (this.#crew === undefined) throw new TypeError('no worker has been started')
    return this.#crew
  }

  get #running(): readonly WorkerProcess[] {
    return this.#crew?.workers ?? []
  }

  async #startCrew(): Promise<string> {
    const { workers: size } = this.#config
    const options = { size, program: this.#program, duties: this.#desk, log: this.#log, lines: this.#lines }
    this.#crew = new Crew(options)
    return await this.#crew.start()
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
    const ledger = this.#ledger
    const drain = async (withinMs: number): Promise<void> => {
      this.#crew?.release()
      const rule = { parse: () => true, withinMs: withinMs + drainGraceMs }
      const drained = this.#running.map(({ line }) => line.ask({ ask: 'drain', withinMs }, rule))
      for (const { status } of await Promise.allSettled(drained)) {
        if (status === 'rejected') this.#silent.warn({}, 'a worker has not said that it is drained')
      }
    }
    return {
      get size() {
        return ledger.taken('connectionsPerAddress')
      },
      drain,
    }
  }

  #notReady(): string | undefined {
    if (this.#drain.isBegun || this.#isStopping) return 'leaving'
    return this.#crew === undefined ? 'starting' : this.#crew.lack
  }

  #states(): ReturnType<WorkerFigures['states']> {
    return this.#crew?.states ?? { ready: 0, starting: 0, waiting: this.#config.workers }
  }

  async #askMetrics(): Promise<readonly MetricPart[]> {
    const rule = { parse: parseMetrics, withinMs: metricsWithinMs }
    const asked = this.#running.map(async ({ line, slot, number }): Promise<MetricPart | undefined> => {
      try {
        return { process: String(slot), worker: number, metrics: await line.ask({ ask: 'metrics' }, rule) }
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
    await this.#crew?.stop(this.#config.limits.drainMs)
    await Promise.all([this.#operations.close(), this.#administration?.app.close()])
  }
}
