import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Drain } from '../admin/drain.ts'
import type { TokenKeys } from '../auth/token-keys.ts'
import type { Config } from '../config/config.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import type { OutageFacts } from '../outage.ts'
import type { EventIntake } from '../http/publish/event-intake.ts'
import type { MemoryGuard } from '../limits/memory-guard.ts'
import type { Sessions } from '../session/sessions.ts'
import type { ConnectionGate } from '../transport/connection-gate.ts'
import type { AdminServer } from './admin-server.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Ingest } from './ingest.ts'
import { type Addresses, listenAll, listenToStream } from './listen.ts'
import type { OpenLog } from './open-log.ts'
import type { WorkerRole } from './worker-role.ts'

/** A running gateway. */
export interface Gateway {
  /** `http://host:port`, or `https`, of the stream and the page. */
  readonly url: string
  /** `http://host:port` of metrics and health; `undefined` of a worker, whose primary serves them. */
  readonly operationsUrl: string | undefined
  /** `http://host:port` of administration; `undefined` where there is none. */
  readonly administrationUrl: string | undefined
  /** Resolves when every partition was read up to where it ended at start. */
  readonly ready: Promise<void>
  /** Rejects when reading the log ends by a fault of ours; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Refuses new connections, tells clients, closes them staggered, then releases everything. */
  stop(): Promise<void>
  /** What is asked and told from outside. */
  readonly controls: GatewayControls
}

/** What the primary does with a worker. */
export interface GatewayControls {
  readonly sessions: Sessions
  readonly drain: Drain
  readonly registry: Registry
  /** Why it should get no new connections; `undefined` when it should. */
  readonly notReady: () => string | undefined
  /** What keeps it from reading. */
  readonly outage: () => OutageFacts | undefined
}

/** What a gateway consists of. */
export interface GatewayParts {
  readonly config: Config
  readonly worker: WorkerRole | undefined
  readonly controls: GatewayControls
  readonly log: OpenLog
  readonly operations: FastifyInstance
  readonly administration: AdminServer | undefined
  readonly stream: FastifyInstance
  readonly gate: ConnectionGate
  readonly memory: MemoryGuard
  readonly ingest: Ingest
  readonly deadLetters: DeadLetters
  readonly intake: EventIntake
  readonly drain: Drain
  readonly logger: FastifyBaseLogger
  readonly keys: TokenKeys
}

/** Listens, reads, and knows in which order everything ends. */
export class GatewayRun {
  readonly #parts: GatewayParts
  readonly #reading = new AbortController()
  #ended: Promise<void> | undefined
  #demo: ReturnType<typeof startDemoFeed> | undefined
  #stopping: Promise<void> | undefined

  constructor(parts: GatewayParts) {
    this.#parts = parts
  }

  async start(): Promise<Gateway> {
    const { config, ingest, controls, keys, memory } = this.#parts
    keys.set?.start()
    memory.start()
    const { stream, operations, administration } = await this.#listen()
    const ended = this.#read()
    this.#publishDemo()
    return {
      url: `${config.stream.protection.kind === 'plain' ? 'http' : 'https'}://${stream}`,
      operationsUrl: operations && `http://${operations}`,
      administrationUrl: administration && `http://${administration}`,
      ready: ingest.warmUp.ready,
      ended,
      stop: () => (this.#stopping ??= this.#stop()),
      controls,
    }
  }

  /** A worker that takes another's place is not to get connections before it has read what they want. */
  async #listen(): Promise<Addresses> {
    const { worker, ingest, drain } = this.#parts
    try {
      if (worker?.listens === 'when ready') await Promise.race([ingest.warmUp.ready, this.#read()])
      return await (worker === undefined ? listenAll(this.#parts) : listenToStream(this.#parts))
    } catch (error) {
      this.#reading.abort()
      await Promise.all([drain.begin(0), this.#ended?.catch(() => undefined)])
      await this.#close()
      throw error
    }
  }

  /** Reads the log, from the first time on that it is asked to. */
  #read(): Promise<void> {
    const { signal } = this.#reading
    this.#ended ??= this.#parts.ingest.run(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    return this.#ended
  }

  #publishDemo(): void {
    const { worker, config, log, logger } = this.#parts
    if (worker !== undefined || !config.demo) return
    const market = createDemoMarket({ seed: config.demo.seed, startMs: Date.now() })
    this.#demo = startDemoFeed({ log: log.events, market, logger })
  }

  async #stop(): Promise<void> {
    const { drain, intake, config } = this.#parts
    const { drainMs } = config.limits
    await Promise.all([drain.begin(drainMs), intake.drain(drainMs)])
    await this.#demo?.stop()
    this.#reading.abort()
    await this.#ended?.catch(() => undefined)
    await this.#close()
  }

  async #close(): Promise<void> {
    const { keys, memory, gate, operations, administration, stream, log, deadLetters } = this.#parts
    keys.set?.stop()
    memory.stop()
    gate.stop()
    await Promise.all([operations.close(), administration?.app.close(), stream.close()])
    await Promise.all([log.events.close(), deadLetters.stop()])
  }
}
