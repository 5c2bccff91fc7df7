import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { readDevelopmentKey } from '../auth/development-key.ts'
import { mintToken } from '../auth/development-token.ts'
import { openTokenKeys } from '../auth/token-keys.ts'
import { createTokenVerifier, type TokenVerifier } from '../auth/token-verifier.ts'
import type { Config, Protection } from '../config/config.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import { Feed } from '../fanout/feed.ts'
import { serveOperations } from '../http/operations.ts'
import { serveEvents } from '../http/events-route.ts'
import { servePage } from '../http/page-route.ts'
import { EventIntake } from '../http/publish/event-intake.ts'
import { serveSymbols } from '../http/symbols-route.ts'
import { Sessions } from '../session/sessions.ts'
import { RateLimitedLog, type WarnLog } from '../rate-limited-log.ts'
import { serveStream } from '../transport/stream-route.ts'
import { createAppendEvents } from './append-events.ts'
import { DeadLetters } from './dead-letters.ts'
import { Ingest } from './ingest.ts'
import { listen } from './listen.ts'
import { createMetrics } from './metrics.ts'
import { openDecoder } from './open-decoder.ts'
import { openDeadLetterWriter, type OpenLog, openLog } from './open-log.ts'
import { version } from './version.ts'

/** A running gateway. */
export interface Gateway {
  /** `http://host:port`, or `https`, of the stream and the page. */
  readonly url: string
  /** `http://host:port` of metrics and health. */
  readonly operationsUrl: string
  /** Resolves when every partition was read up to where it ended at start. */
  readonly ready: Promise<void>
  /** Rejects when reading the log ends by a fault of ours; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Refuses new connections, tells clients, closes them staggered, then releases everything. */
  stop(): Promise<void>
}

export interface GatewayOptions {
  /** Where log lines go; standard error where absent. */
  readonly logStream?: { write(line: string): void }
}

/** Starts a gateway: opens the log, serves operations at once and the stream, which answers 503 until warmed up. */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const operations = createOperationsApp(config, options)
  const logger = operations.log
  // What can be refused comes before the first thing that would have to be released.
  const stream = await createStreamApp(config, logger)
  const decoder = await openDecoder(config.ingest.decoder)
  const keys = await openTokenKeys(config.auth.keys, config.mode)
  const log = openLog(config, logger)
  const verify = createTokenVerifier({ ...config.auth, keys })
  const feed = new Feed({ maxItems: config.ingest.maxItems })
  const splits = new RateLimitedLog(logger)
  feed.tape.onSplitItem = item => warnOfSplit(splits, item)
  const sessions = new Sessions({
    feed,
    limits: config.limits,
    verify,
    onFault: error => logger.error({ err: error }, 'a client message could not be handled'),
  })
  const deadLetters = new DeadLetters({ writer: openDeadLetterWriter(config, logger), logger })
  const ingest = new Ingest({
    ...config.ingest,
    log: log.events,
    feed,
    decoder,
    logger,
    topics: config.topics,
    onPoison: deadLetters.take,
  })
  const state = { isLeaving: false }
  const notReady = (): string | undefined => {
    if (state.isLeaving) return 'leaving'
    return ingest.warmUp.lack
  }
  const isReady = (): boolean => notReady() === undefined
  const append = createAppendEvents(log.events, logger)
  const { maxEventBytes } = config.ingest
  const intake = new EventIntake({ ...config.publish, maxEventBytes, verify, append, isReady })
  const { allowedOrigins } = config.stream
  const refusals = await serveStream(stream, {
    ...config.limits,
    sessions,
    allowedOrigins,
    isReady,
    log: logger,
  })
  await serveHttp(stream, { config, feed, verify, intake })
  const registry = createMetrics({
    feed,
    ingest,
    deadLetters: deadLetters.counts,
    sessions,
    refusals,
    publishing: intake.counts,
    isReady,
    version,
    log,
  })
  serveOperations(operations, { registry, notReady })
  return await run({ config, log, operations, stream, sessions, ingest, deadLetters, intake, state, logger })
}

interface Parts {
  readonly config: Config
  readonly log: OpenLog
  readonly operations: FastifyInstance
  readonly stream: FastifyInstance
  readonly sessions: Sessions
  readonly ingest: Ingest
  readonly deadLetters: DeadLetters
  readonly intake: EventIntake
  readonly state: { isLeaving: boolean }
  readonly logger: FastifyBaseLogger
}

/** Listens, reads, and knows in which order everything ends. */
async function run(parts: Parts): Promise<Gateway> {
  const { config, log, operations, stream, sessions, ingest, deadLetters, intake, state, logger } = parts
  const close = async (): Promise<void> => {
    await Promise.all([operations.close(), stream.close()])
    await Promise.all([log.events.close(), deadLetters.stop()])
  }
  let addresses: readonly [string, string]
  try {
    addresses = [
      await listen(operations, config.operations, { host: 'TICKER_OPS_HOST', port: 'TICKER_OPS_PORT' }),
      await listen(stream, config.stream, { host: 'TICKER_HOST', port: 'TICKER_PORT' }),
    ]
  } catch (error) {
    await sessions.drain(0)
    await close()
    throw error
  }
  const reading = new AbortController()
  const ended = ingest.run(reading.signal).catch((error: unknown) => {
    if (!reading.signal.aborted) throw error
  })
  const demo =
    config.demo &&
    startDemoFeed({
      log: log.events,
      market: createDemoMarket({ seed: config.demo.seed, startMs: Date.now() }),
      logger,
    })
  const stop = async (): Promise<void> => {
    state.isLeaving = true
    const { drainMs } = config.limits
    await Promise.all([sessions.drain(drainMs), intake.drain(drainMs)])
    await demo?.stop()
    reading.abort()
    await ended.catch(() => undefined)
    await close()
  }
  let stopping: Promise<void> | undefined
  return {
    url: `${config.stream.protection.kind === 'tls' ? 'https' : 'http'}://${addresses[1]}`,
    operationsUrl: `http://${addresses[0]}`,
    ready: ingest.warmUp.ready,
    ended,
    stop: () => (stopping ??= stop()),
  }
}

function createOperationsApp(config: Config, { logStream }: GatewayOptions): FastifyInstance {
  return Fastify({
    ...commonOptions,
    logger: { level: config.logLevel, stream: logStream ?? process.stderr },
  })
}

const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
} as const

async function createStreamApp(config: Config, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const tls = await readTls(config.stream.protection)
  const options: FastifyServerOptions = { ...commonOptions, loggerInstance: logger }
  const http = { shouldUpgradeCallback: isWebSocketHandshake }
  const app = Fastify(
    tls === undefined
      ? { ...options, http }
      : { ...options, serverFactory: handler => createServer({ ...tls, ...http }, handler) },
  )
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `${request.method} ${request.url.split('?', 1)[0]}: there is nothing here` }),
  )
  return app
}

/** What else asks for an upgrade stays as it is (RFC 9110 §7.8): Java's client asks for HTTP/2 with every POST, whose body would be lost. */
function isWebSocketHandshake({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

async function readTls(protection: Protection): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (protection.kind !== 'tls') return undefined
  const [cert, key] = await Promise.all([readFile(protection.certificateFile), readFile(protection.keyFile)])
  return { cert, key }
}

interface HttpParts {
  readonly config: Config
  readonly feed: Feed
  readonly verify: TokenVerifier
  readonly intake: EventIntake
}

async function serveHttp(app: FastifyInstance, { config, feed, verify, intake }: HttpParts): Promise<void> {
  serveSymbols(app, { feed, verify })
  await serveEvents(app, intake)
  if (config.mode !== 'development' || config.auth.keys.kind !== 'development') return
  const key = await readDevelopmentKey(config.mode)
  await servePage(app, {
    source: describeSource(config),
    mintToken: () =>
      mintToken({
        key,
        subject: 'page',
        scopes: ['stream'],
        feeds: '*',
        channels: '*',
        symbols: '*',
        lifetimeS: 43_200,
      }),
  })
}

/** Where the events come from, in words. */
export function describeSource({ demo, log }: Config): string {
  if (demo !== undefined) return `demo feed (generated, seed ${demo.seed})`
  return log.kind === 'kafka' ? `Kafka at ${log.brokers.join(', ')}` : `embedded log ${log.path}`
}

function warnOfSplit(logger: WarnLog, item: { readonly channel: string; readonly symbol: string }): void {
  logger.warn(
    { channel: item.channel, symbol: item.symbol },
    'an item shows up in two partitions, so its order is lost: producers use different partitioners (README, for producers)',
  )
}
