import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { Drain } from '../admin/drain.ts'
import { Revocations } from '../auth/revocations.ts'
import { openTokenKeys, type TokenKeys } from '../auth/token-keys.ts'
import type { Config } from '../config/config.ts'
import { type OutageReport, reportOutage } from '../feed/outage.ts'
import { serveOperations } from '../http/operations.ts'
import { EventIntake } from '../http/publish/event-intake.ts'
import { openDecoder } from '../ingest/decoder-module.ts'
import { LocalQuotas, type NodeQuotas, quotaLimits } from '../limits/node-quotas.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { singleProcessSources } from '../metrics/process-metrics.ts'
import { Sessions } from '../session/sessions.ts'
import { type Clock, readClock, systemClock } from '../system/clock.ts'
import { LogOutput } from '../system/process-output.ts'
import { HandshakeAdmission } from '../transport/handshake-admission.ts'
import { serveStream } from '../transport/websocket/stream-route.ts'
import { FeedHost } from './feed-host.ts'
import {
  createAppendEvents,
  createMemoryGuard,
  createVerifierWithRevocations,
  serveHttp,
  startDemo,
} from './gateway-parts.ts'
import { type Addresses, listenAll, listenToStream } from './listeners.ts'
import {
  createAdminServer,
  createOperationsApp,
  type LogStream,
  warnOfDescriptors,
} from './operator-servers.ts'
import { createStreamServer } from './stream-server.ts'
import { version } from './version.ts'

export interface GatewayOptions {
  /** Takes log lines; standard error if left out. */
  readonly logStream?: LogStream
  /** Set for one process of several; left out where this process is the node. */
  readonly worker?: WorkerRole
}

/** The role of a process that serves a node together with others. */
export interface WorkerRole {
  /** The node's quotas, which the primary keeps. */
  readonly quotas: NodeQuotas
  /** The node's revocations, which the primary sends. */
  readonly revocations: Revocations
  /** Keeps session numbers unique among the processes of the node. */
  readonly sessionNumberBase: number
  /** `when ready`: other processes serve clients meanwhile. */
  readonly listenWhen: 'at once' | 'when ready'
}

/** A running gateway. */
export interface Gateway {
  /** `http://host:port`, or `https`, of the stream and the page. */
  readonly url: string
  /** `http://host:port` of metrics and health; `undefined` of a worker, whose primary serves them. */
  readonly operationsUrl: string | undefined
  /** `http://host:port` of administration; `undefined` without it. */
  readonly administrationUrl: string | undefined
  /** Resolves when every partition was read up to where it ended at start. */
  readonly ready: Promise<void>
  /** Rejects when a fault of ours ends reading the log; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Refuses new connections, tells clients, closes them staggered, then releases everything. */
  stop(): Promise<void>
  readonly controls: GatewayControls
}

/** The part of a worker's gateway that the primary controls. */
export interface GatewayControls {
  readonly sessions: Sessions
  readonly drain: Drain
  readonly registry: Registry
  /** Why this process should get no new connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  readonly outage: () => OutageReport | undefined
}

/**
 * Starts a gateway. Operations are served at once; the stream answers 503 until the node is warmed up. Each
 * part is released by its place in `resources`: the last one first, also when the start fails.
 */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  await using resources = new AsyncDisposableStack()
  const { worker } = options
  const node = await openNode(config, options, resources)
  const { host, logger } = node
  // It starts last, but ends after the sessions.
  const demo = resources.use(new AsyncDisposableStack())
  // A start that fails waits for no client.
  let drainMs = 0
  resources.defer(async () => {
    await Promise.all([node.drain.begin(drainMs), node.intake.drain(drainMs)])
  })
  const { stream, operations, administration } = await listen(config, node, worker)
  if (worker === undefined) demo.defer(startDemo(config, host.log.events, logger))
  const ended = host.read()
  drainMs = config.limits.drainMs
  const started = resources.move()
  let stopping: Promise<void> | undefined
  return {
    url: `${config.stream.protection.kind === 'plain' ? 'http' : 'https'}://${stream}`,
    operationsUrl: operations && `http://${operations}`,
    administrationUrl: administration && `http://${administration}`,
    ready: host.ingest.warmUp.ready,
    ended,
    stop: () => (stopping ??= started.disposeAsync()),
    controls: node.controls,
  }
}

type Node = Awaited<ReturnType<typeof openNode>>

/** A worker that replaces another one gets no connections before it has read their events. */
async function listen(config: Config, node: Node, worker: WorkerRole | undefined): Promise<Addresses> {
  const { host } = node
  if (worker?.listenWhen === 'when ready') await Promise.race([host.ingest.warmUp.ready, host.read()])
  return await (worker === undefined ? listenAll({ config, ...node }) : listenToStream({ config, ...node }))
}

/** Creates the parts of a gateway and what connects them; nothing listens or reads the log yet. */
async function openNode(config: Config, options: GatewayOptions, resources: AsyncDisposableStack) {
  const { worker, logStream = new LogOutput() } = options
  const clock = systemClock
  const operations = createOperationsApp(config, logStream)
  const logger = operations.log
  if (worker === undefined) warnOfDescriptors(config, logger)
  // What can be refused comes before the first part that has to be released.
  const decoder = await openDecoder(config.ingest.decoder)
  const keys = await openTokenKeys(config.auth.keys, config.mode, logger)
  const server = await createStreamServer(config, logger)
  const apps: Pick<FastifyInstance, 'close'>[] = [operations, server.app]
  resources.defer(async () => {
    await Promise.all(apps.map(app => app.close()))
  })
  const host = resources.use(new FeedHost(config, { decoder, logger, clock }))
  const { feed, history, ingest, deadLetters, log } = host
  const core = openSessions(config, worker, { host, keys, logger, clock })
  const { revocations, quotas, verify, sessions, memory, drain, notReadyReason, isReady } = core
  // Of a start that fails: a stop has drained them by then.
  resources.defer(() => sessions.drain(0))
  const append = createAppendEvents(log.events, logger)
  const { maxEventBytes } = config.ingest
  const intake = new EventIntake({ ...config.publish, maxEventBytes, quotas, verify, append, isReady })
  const admission = new HandshakeAdmission({ quotas })
  const refusals = await serveStream(server.app, {
    ...config.limits,
    sessions,
    forms: feed.forms,
    allowedOrigins: config.stream.allowedOrigins,
    admission,
    isProxy: address => server.proxies.has(address),
    addressOf: request => server.proxies.clientOf(request).address,
    ageMsOf: socket => gate.ageMsOf(socket),
    isReady,
    isShort: () => memory.isShort,
    log: logger,
  })
  await serveHttp(server.app, { config, feed, verify, quotas, intake })
  const gate = await server.guard()
  resources.defer(() => gate.stop())
  const administration = createAdminServer(worker === undefined ? config.administration : undefined, {
    sessions,
    revocations,
    drain,
    log: logger,
    clock,
  })
  if (administration !== undefined) apps.push(administration.app)
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
    clock,
  })
  const outage = (): OutageReport | undefined => {
    const current = feed.outage()
    return current && reportOutage(current, readClock(clock))
  }
  serveOperations(operations, { registry, notReadyReason, outage })

  memory.start()
  resources.defer(() => memory.stop())
  keys.set?.start()
  resources.defer(() => keys.set?.stop())
  const controls: GatewayControls = { sessions, drain, registry, notReadyReason, outage }
  return { host, operations, administration, stream: server.app, intake, drain, controls, logger }
}

interface SessionSources {
  readonly host: FeedHost
  readonly keys: TokenKeys
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
}

/** Creates the sessions with their limits: tokens, quotas, memory and the drain. */
function openSessions(config: Config, worker: WorkerRole | undefined, sources: SessionSources) {
  const { host, keys, logger, clock } = sources
  const { feed, history, ingest } = host
  const toleranceMs = config.auth.clockToleranceS * 1000
  const revocations = worker?.revocations ?? new Revocations({ toleranceMs })
  const quotas = worker?.quotas ?? new LocalQuotas(quotaLimits({ ...config.limits, ...config.publish }))
  const verify = createVerifierWithRevocations(config, { keys, revocations, log: logger })
  const sessions = new Sessions({
    feed,
    history,
    limits: { ...config.limits, clockToleranceMs: toleranceMs },
    quotas,
    revocations,
    numbersAbove: worker?.sessionNumberBase ?? 0,
    verify,
    isShort: () => memory.isShort,
    onFault: error => logger.error({ err: error }, 'a client message could not be handled'),
  })
  const memory = createMemoryGuard(config, { feed, history, sessions, log: logger })
  const drain = new Drain({ sessions, defaultMs: config.limits.drainMs, clock })
  const notReadyReason = (): string | undefined => (drain.isBegun ? 'leaving' : ingest.notReadyReason)
  const isReady = (): boolean => notReadyReason() === undefined
  return { revocations, quotas, verify, sessions, memory, drain, notReadyReason, isReady }
}
