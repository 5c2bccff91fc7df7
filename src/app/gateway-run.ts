import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Drain } from '../admin/drain.ts'
import type { Revocations } from '../auth/revocations.ts'
import type { TokenKeys } from '../auth/token-keys.ts'
import type { Config } from '../config/config.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import type { OutageReport } from '../feed/outage.ts'
import type { EventIntake } from '../http/publish/event-intake.ts'
import type { DeadLetters } from '../ingest/dead-letters.ts'
import type { Ingest } from '../ingest/ingest.ts'
import type { MemoryGuard } from '../limits/memory-guard.ts'
import type { NodeQuotas } from '../limits/node-quotas.ts'
import type { Sessions } from '../session/sessions.ts'
import type { ConnectionGate } from '../transport/connection-gate.ts'
import { type Addresses, listenAll, listenToStream } from './listeners.ts'
import type { OpenLog } from './open-log.ts'
import type { AdminServer } from './operator-servers.ts'

/** What a process is told that serves a node together with others, under a primary. */
export interface WorkerRole {
  /** The node's, which the primary keeps. */
  readonly quotas: NodeQuotas
  /** The node's, as far as the primary has told. */
  readonly revocations: Revocations
  /** So that no other process of the node has a session of the same number. */
  readonly sessionNumbersAbove: number
  /** `when ready` where others serve meanwhile, whom clients are left to. */
  readonly listens: 'at once' | 'when ready'
}

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
interface GatewayControls {
  readonly sessions: Sessions
  readonly drain: Drain
  readonly registry: Registry
  /** Why it should get no new connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  /** What keeps it from reading. */
  readonly outage: () => OutageReport | undefined
}

/** What a gateway consists of. */
interface GatewayParts {
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

/**
 * What a stop may take beyond the time that sessions have to leave: a second for the last of them, and two to release everything. With the
 * default of `TICKER_DRAIN_MS` that makes 8 s, of the 10 s after which `docker stop` kills.
 */
export const releaseMs = 3000

/** Stops a gateway; resolves with whether everything was released in time. What is not, the end of the process releases. */
export async function stopInTime(gateway: Pick<Gateway, 'stop'>, drainMs: number): Promise<boolean> {
  const patience = new AbortController()
  const { signal } = patience
  const late = pause(drainMs + releaseMs, false, { signal }).catch(() => false)
  try {
    return await Promise.race([gateway.stop().then(() => true), late])
  } finally {
    patience.abort()
  }
}
