import Fastify, { type FastifyInstance } from 'fastify'
import { Drain } from '../admin/drain.ts'
import { checkDevelopmentKey, readDevelopmentKey, signDevelopmentToken } from '../auth/development-token.ts'
import { Revocations } from '../auth/revocations.ts'
import { openTokenKeys } from '../auth/token-keys.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/variable-reader.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { Feed } from '../feed/feed.ts'
import { type OutageReport, reportOutage } from '../feed/outage.ts'
import { ArrivalTimes } from '../history/arrival-times.ts'
import { openHistory } from '../history/shared-history.ts'
import { serveEvents } from '../http/events-route.ts'
import { serveOperations } from '../http/operations.ts'
import { servePage } from '../http/page-route.ts'
import { EventIntake } from '../http/publish/event-intake.ts'
import { serveSymbols } from '../http/symbols-route.ts'
import { DeadLetters } from '../ingest/dead-letters.ts'
import { openDecoder } from '../ingest/decoder-module.ts'
import { Ingest } from '../ingest/ingest.ts'
import { RecordDecoder } from '../ingest/record-decoder.ts'
import { fileDescriptorShortage, divideFileDescriptors } from '../limits/file-descriptors.ts'
import { quotaLimits } from '../limits/node-limits.ts'
import { LocalQuotas, type NodeQuotas } from '../limits/node-quotas.ts'
import { checkLogFile } from '../log/embedded/log-file.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { singleProcessSources } from '../metrics/process-metrics.ts'
import { Sessions } from '../session/sessions.ts'
import { readClock, systemClock } from '../system/clock.ts'
import { LogOutput } from '../system/process-output.ts'
import { HandshakeAdmission } from '../transport/handshake-admission.ts'
import { serveStream } from '../transport/websocket/stream-route.ts'
import { createAppendEvents, createMemoryGuard, createTokenCheck } from './gateway-parts.ts'
import { type Gateway, GatewayRun, type WorkerRole } from './gateway-run.ts'
import { openDeadLetterWriter, openLog } from './open-log.ts'
import { commonOptions, createAdminServer } from './operator-servers.ts'
import { ServerCertificate } from './server-certificate.ts'
import { createStreamServer } from './stream-server.ts'
import { version } from './version.ts'

/** Takes log lines, and may have to drop some. */
export interface LogStream {
  write(line: string): void
  /** How many were dropped, since start. */
  readonly dropped?: number
}

export interface GatewayOptions {
  /** Where log lines go; standard error where absent. */
  readonly logStream?: LogStream
  /** Of one process among several; left out where this process is the node. */
  readonly worker?: WorkerRole
}

/** Starts a gateway: opens the log, serves operations at once and the stream, which answers 503 until warmed up. */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { logStream = new LogOutput() } = options
  const operations = createOperationsApp(config, logStream)
  const logger = operations.log
  if (options.worker === undefined) warnOfDescriptors(config, logger)
  // What can be refused comes before the first thing that would have to be released.
  const server = await createStreamServer(config, logger)
  const stream = server.app
  const decoder = await openDecoder(config.ingest.decoder)
  const keys = await openTokenKeys(config.auth.keys, config.mode, logger)
  const log = openLog(config, logger)
  const { worker } = options
  const clockToleranceMs = config.auth.clockToleranceS * 1000
  const revocations = worker?.revocations ?? new Revocations({ toleranceMs: clockToleranceMs })
  const verify = createTokenCheck(config, { keys, revocations, log: logger })
  const feed = new Feed({
    maxItems: config.ingest.maxItems,
    window: { maxBytes: config.ingest.tapeBytes, maxAgeMs: config.ingest.tapeMs },
    flushDelayMs: config.limits.flushDelayMs,
  })
  const splits = new RateLimitedLog(logger)
  feed.lastValues.onSplitItem.add(({ item }) => warnOfSplit(splits, item))
  const quotas = worker?.quotas ?? new LocalQuotas(quotaLimits({ ...config.limits, ...config.publish }))
  const records = new RecordDecoder({ ...config.ingest, decoder, logger })
  const keptMs = config.limits.resumeMaxAgeMs
  const arrivals = new ArrivalTimes({ keptMs, steady: () => performance.now() })
  const history = openHistory({ log: log.events, records, arrivals })
  // What was read of a partition is no longer valid when it is made again or cut back.
  feed.onPartition.add(({ partition }) => history.forget(partition))
  const sessions = new Sessions({
    feed,
    history,
    limits: { ...config.limits, clockToleranceMs },
    quotas,
    revocations,
    numbersAbove: worker?.sessionNumbersAbove ?? 0,
    verify,
    isShort: () => memory.isShort,
    onFault: error => logger.error({ err: error }, 'a client message could not be handled'),
  })
  const memory = createMemoryGuard(
    { ...config.limits, workers: config.workers },
    { feed, history, sessions, log: logger },
  )
  const deadLetters = new DeadLetters({ writer: openDeadLetterWriter(config), logger })
  const ingest = new Ingest({
    ...config.ingest,
    log: log.events,
    feed,
    decoder,
    logger,
    topics: config.topics,
    onPoison: deadLetters.take,
    onBatch: batch => arrivals.note(batch),
  })
  const drain = new Drain({ sessions, defaultMs: config.limits.drainMs })
  const notReadyReason = (): string | undefined => {
    if (drain.isBegun) return 'leaving'
    return ingest.notReadyReason
  }
  const isReady = (): boolean => notReadyReason() === undefined
  const append = createAppendEvents(log.events, logger)
  const { maxEventBytes } = config.ingest
  const intake = new EventIntake({ ...config.publish, maxEventBytes, quotas, verify, append, isReady })
  const { allowedOrigins } = config.stream
  const admission = new HandshakeAdmission({ quotas })
  const refusals = await serveStream(stream, {
    ...config.limits,
    sessions,
    forms: feed.forms,
    allowedOrigins,
    admission,
    isProxy: address => server.proxies.has(address),
    addressOf: request => server.proxies.clientOf(request).address,
    ageMsOf: socket => gate.ageMsOf(socket),
    isReady,
    isShort: () => memory.isShort,
    log: logger,
  })
  await serveHttp(stream, { config, feed, verify, quotas, intake })
  const gate = await server.guard()
  const administration = createAdminServer(worker === undefined ? config.administration : undefined, {
    sessions,
    revocations,
    drain,
    log: logger,
  })
  const registry = createMetrics({
    feed,
    ingest,
    deadLetters: deadLetters.counts,
    sessions,
    history,
    memory,
    refusals,
    gate,
    admission,
    certificate: server.certificate,
    keySet: keys.set,
    administration: administration?.counts,
    publishing: intake.counts,
    isReady,
    droppedLines: () => logStream.dropped ?? 0,
    version,
    log,
    workers: worker === undefined ? singleProcessSources(isReady) : undefined,
  })
  const outage = (): OutageReport | undefined => {
    const current = feed.outage()
    return current && reportOutage(current, readClock(systemClock))
  }
  serveOperations(operations, { registry, notReadyReason, outage })
  return await new GatewayRun({
    config,
    worker,
    controls: { sessions, drain, registry, notReadyReason, outage },
    log,
    operations,
    administration,
    stream,
    gate,
    memory,
    ingest,
    deadLetters,
    intake,
    drain,
    logger,
    keys,
  }).start()
}

/** Creates what metrics and health are served by; its log is that of the process. */
export function createOperationsApp(config: Config, stream: LogStream): FastifyInstance {
  const app = Fastify({
    ...commonOptions,
    logger: { level: config.logLevel, stream },
  })
  app.server.maxConnections = divideFileDescriptors().operatorRoom
  return app
}

/** Says at start when there are fewer descriptors than the limits allow connections. */
export function warnOfDescriptors({ limits, workers }: Config, logger: WarnLog): void {
  const shortage = fileDescriptorShortage(divideFileDescriptors(), { ...limits, workers })
  if (shortage !== undefined) logger.warn({}, shortage)
}

interface HttpParts {
  readonly config: Config
  readonly feed: Feed
  readonly verify: TokenVerifier
  readonly quotas: NodeQuotas
  readonly intake: EventIntake
}

async function serveHttp(app: FastifyInstance, { config, ...parts }: HttpParts): Promise<void> {
  serveSymbols(app, parts)
  await serveEvents(app, parts.intake)
  if (config.mode !== 'development' || config.auth.keys.kind !== 'development') return
  const key = await readDevelopmentKey(config.mode)
  await servePage(app, {
    source: describeSource(config),
    signDevelopmentToken: () =>
      signDevelopmentToken({
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

/**
 * Looks at what a start would open on this machine: decoder, certificate, keys, embedded log. Rejects with a `ConfigError` of everything that
 * would be refused; makes and changes nothing.
 */
export async function checkStart({ ingest, stream, auth, log }: Config): Promise<void> {
  const { protection } = stream
  const checks: Promise<unknown>[] = [openDecoder(ingest.decoder)]
  if (protection.kind === 'tls') checks.push(ServerCertificate.read(protection))
  if (auth.keys.kind === 'development') checks.push(checkDevelopmentKey())
  if (log.kind === 'embedded') checks.push(Promise.try(checkLogFile, log.path))
  const faults = (await Promise.allSettled(checks)).flatMap(outcome =>
    outcome.status === 'rejected' ? [messageOf(outcome.reason)] : [],
  )
  if (faults.length > 0) throw new ConfigError(faults)
}
