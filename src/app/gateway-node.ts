import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { Drain } from '../admin/drain.ts'
import { Revocations } from '../auth/revocations.ts'
import { openTokenKeys, type TokenKeys } from '../auth/token-keys.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { Config } from '../config/config.ts'
import type { Decoder } from '../event/decoder.ts'
import { type FeedOutage, serveOperations } from '../http/operations.ts'
import { EventIntake } from '../http/publish/event-intake.ts'
import { openDecoder } from '../ingest/decoder-module.ts'
import type { MemoryGuard } from '../limits/memory-guard.ts'
import { LocalQuotas, type NodeQuotas, quotaLimits } from '../limits/node-quotas.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { singleProcessSources } from '../metrics/process-metrics.ts'
import { Sessions } from '../session/sessions.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { LogOutput } from '../system/process-output.ts'
import type { ConnectionGate } from '../transport/connection-gate.ts'
import { HandshakeAdmission } from '../transport/handshake-admission.ts'
import { limitPlainRequests } from '../transport/plain-requests.ts'
import { createTransportRefusals, type RefusalCounts } from '../transport/refusal-counts.ts'
import { serveSse } from '../transport/sse/sse-route.ts'
import { serveStream } from '../transport/websocket/stream-route.ts'
import { FeedHosts } from './feed-hosts.ts'
import {
  createAppendEvents,
  createMemoryGuard,
  createVerifierWithRevocations,
  serveHttp,
} from './gateway-parts.ts'
import {
  type AdminServer,
  createAdminServer,
  createOperationsApp,
  type LogStream,
  warnOfDescriptors,
} from './operator-servers.ts'
import { createStreamServer, type StreamServer } from './stream-server.ts'
import { version } from './version.ts'

export interface NodeOptions {
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

/** The part of a worker's node that the primary controls. */
export interface NodeControls {
  readonly sessions: Sessions
  readonly drain: Drain
  readonly registry: Registry
  /** Why this process should get no new connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  readonly outages: () => readonly FeedOutage[]
}

/** The parts of a node, connected; nothing listens or reads the log yet. */
export interface GatewayNode {
  readonly hosts: FeedHosts
  readonly intake: EventIntake
  readonly drain: Drain
  readonly controls: NodeControls
  readonly logger: FastifyBaseLogger
  readonly stream: FastifyInstance
  readonly operations: FastifyInstance
  readonly administration: AdminServer | undefined
}

/**
 * Opens the parts of a node, from what may be refused to what clients and operators reach. `resources`
 * releases each, the last one first.
 */
export async function openNode(
  config: Config,
  options: NodeOptions,
  resources: AsyncDisposableStack,
): Promise<GatewayNode> {
  const foundation = await openFoundation(config, options, resources)
  const { logger, operations, server, apps } = foundation
  const hosts = resources.use(new FeedHosts(config, foundation))
  const core = openSessions(config, options.worker, { ...foundation, hosts })
  const { sessions, drain } = core
  // Of a start that fails: a stop has drained them by then.
  resources.defer(() => sessions.drain(0))
  const edge = await serveClients(config, { ...foundation, ...core, hosts })
  resources.defer(() => edge.gate.stop())
  const administration = createAdminServer(options.worker === undefined ? config.administration : undefined, {
    ...foundation,
    ...core,
    feeds: hosts.feeds.names,
    log: logger,
  })
  if (administration !== undefined) apps.push(administration.app)
  const registry = collectMetrics({ ...foundation, ...core, ...edge, hosts, administration, options })
  const { notReadyReason } = core
  const outages = (): FeedOutage[] => hosts.outages()
  serveOperations(operations, { registry, notReadyReason, outages, hasFeeds: config.feeds.length > 1 })
  startTimers({ ...foundation, ...core }, resources)
  const controls: NodeControls = { sessions, drain, registry, notReadyReason, outages }
  const { intake } = edge
  return { hosts, intake, drain, controls, logger, stream: server.app, operations, administration }
}

/** What a node stands on: its log lines, and the parts that the machine or the configuration may refuse. */
interface Foundation {
  readonly clock: Clock
  readonly logStream: LogStream
  readonly logger: FastifyBaseLogger
  readonly decoder: Decoder
  readonly keys: TokenKeys
  readonly operations: FastifyInstance
  readonly server: StreamServer
  /** The servers to close in the end. */
  readonly apps: Pick<FastifyInstance, 'close'>[]
}

async function openFoundation(
  config: Config,
  { worker, logStream = new LogOutput() }: NodeOptions,
  resources: AsyncDisposableStack,
): Promise<Foundation> {
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
  return { clock: systemClock, logStream, logger, decoder, keys, operations, server, apps }
}

/** The sessions with their limits: tokens, quotas, memory and the drain. */
interface SessionCore {
  readonly revocations: Revocations
  readonly quotas: NodeQuotas
  readonly verify: TokenVerifier
  readonly sessions: Sessions
  readonly memory: MemoryGuard
  readonly drain: Drain
  /** Why the node should get no connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  /** Whether the clients of a feed are served. */
  readonly isFeedReady: (feed: string) => boolean
}

function openSessions(
  config: Config,
  worker: WorkerRole | undefined,
  { hosts, keys, logger, clock }: Foundation & { readonly hosts: FeedHosts },
): SessionCore {
  const toleranceMs = config.auth.clockToleranceS * 1000
  const revocations = worker?.revocations ?? new Revocations({ toleranceMs })
  const quotas = worker?.quotas ?? new LocalQuotas(quotaLimits({ ...config.limits, ...config.publish }))
  const verify = createVerifierWithRevocations(config, { keys, revocations, log: logger })
  const sessions = new Sessions({
    feeds: hosts.all,
    limits: { ...config.limits, clockToleranceMs: toleranceMs },
    quotas,
    revocations,
    numbersAbove: worker?.sessionNumberBase ?? 0,
    verify,
    isShort: () => memory.isShort,
    onFault: error => logger.error({ err: error }, 'a client message could not be handled'),
  })
  const memory = createMemoryGuard(config, { hosts: hosts.all, sessions, log: logger })
  const drain = new Drain({ sessions, defaultMs: config.limits.drainMs, clock })
  const notReadyReason = (): string | undefined => (drain.isBegun ? 'leaving' : hosts.notReadyReason)
  const isFeedReady = (feed: string): boolean => !drain.isBegun && hosts.isReady(feed)
  return { revocations, quotas, verify, sessions, memory, drain, notReadyReason, isFeedReady }
}

/** What clients reach: the stream and the HTTP routes, behind a gate. */
interface ClientEdge {
  readonly intake: EventIntake
  readonly admission: HandshakeAdmission
  readonly refusals: RefusalCounts
  readonly gate: ConnectionGate
}

async function serveClients(
  config: Config,
  parts: Foundation & SessionCore & { readonly hosts: FeedHosts },
): Promise<ClientEdge> {
  const { hosts, server, sessions, quotas, verify, memory, isFeedReady, logger } = parts
  const { maxEventBytes } = config.ingest
  const append = createAppendEvents(hosts.log.events, logger)
  const isReady = (): boolean => isFeedReady(hosts.feeds.first.name)
  const intake = new EventIntake({ ...config.publish, maxEventBytes, quotas, verify, append, isReady })
  const admission = new HandshakeAdmission({ quotas })
  const refusals = createTransportRefusals()
  const isProxy = (address: string): boolean => server.proxies.has(address)
  const common = {
    ...config.limits,
    sessions,
    allowedOrigins: config.stream.allowedOrigins,
    admission,
    addressOf: (request: IncomingMessage) => server.proxies.clientOf(request).address,
    ageMsOf: (socket: Duplex): number => gate.ageMsOf(socket),
    isReady: isFeedReady,
    isShort: () => memory.isShort,
    log: logger,
  }
  await serveStream(server.app, { ...common, refusals: refusals.websocket })
  serveSse(server.app, { ...common, refusals: refusals.sse })
  limitPlainRequests(server.app, { admission, isProxy, refusals: refusals.plain })
  await serveHttp(server.app, { config, feeds: hosts.feeds, verify, quotas, intake })
  const gate = await server.guard()
  return { intake, admission, refusals, gate }
}

interface MetricParts extends Foundation, SessionCore, ClientEdge {
  readonly hosts: FeedHosts
  readonly administration: AdminServer | undefined
  readonly options: NodeOptions
}

function collectMetrics(allParts: MetricParts): Registry {
  const { hosts, server, keys, intake, administration, logStream, notReadyReason, options, ...parts } =
    allParts
  const isReady = (): boolean => notReadyReason() === undefined
  return createMetrics({
    ...parts,
    feeds: hosts.all,
    deadLetters: hosts.deadLetters.counts,
    log: hosts.log,
    certificate: server.certificate,
    keySet: keys.set,
    administration: administration?.counts,
    publishing: intake.counts,
    isReady,
    droppedLines: () => logStream.dropped ?? 0,
    version,
    workers: options.worker === undefined ? singleProcessSources(isReady) : undefined,
  })
}

function startTimers({ memory, keys }: Foundation & SessionCore, resources: AsyncDisposableStack): void {
  memory.start()
  resources.defer(() => memory.stop())
  keys.set?.start()
  resources.defer(() => keys.set?.stop())
}
