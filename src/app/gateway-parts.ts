import type { FastifyInstance } from 'fastify'
import { checkDevelopmentKey, readDevelopmentKey, signDevelopmentToken } from '../auth/development-token.ts'
import { type Revocations, withRevocations } from '../auth/revocations.ts'
import type { TokenKeys } from '../auth/token-keys.ts'
import { createTokenVerifier, type TokenVerifier, withRefusalLog } from '../auth/token-verifier.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/variable-reader.ts'
import { startDemoFeed } from '../demo/demo-feed.ts'
import { createDemoMarket } from '../demo/demo-market.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import type { FeedDirectory } from '../feed/feed-directory.ts'
import type { Feed } from '../feed/feed.ts'
import { serveEvents } from '../http/events-route.ts'
import { servePage } from '../http/page-route.ts'
import type { EventIntake } from '../http/publish/event-intake.ts'
import type { PublishEvents } from '../http/publish/publish-outcome.ts'
import { serveSymbols } from '../http/symbols-route.ts'
import { openDecoder } from '../ingest/decoder-module.ts'
import { type GuardLog, MemoryGuard } from '../limits/memory-guard.ts'
import type { NodeQuotas } from '../limits/node-quotas.ts'
import { memoryLimit, shareOfWorker } from '../limits/process-memory.ts'
import { appendFailureOf } from '../log/append-failure.ts'
import { checkLogFile } from '../log/embedded/log-file.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Sessions } from '../session/sessions.ts'
import { maxHeaderTokenBytes } from '../transport/http-refusals.ts'
import type { FeedHost } from './feed-host.ts'
import { describeFeeds, describeSource } from './open-log.ts'
import { ServerCertificate } from './server-certificate.ts'

/**
 * Checks what a start would open on this machine: decoder, certificate, keys, embedded log. Changes nothing.
 * Rejects with a `ConfigError` that names every fault.
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

interface VerifierParts {
  readonly keys: TokenKeys
  readonly revocations: Revocations
  readonly log: WarnLog
}

/**
 * Creates the check that every token passes through. A token may be as long as its header or message may be.
 */
export function createVerifierWithRevocations(
  { auth, limits }: Config,
  { keys, revocations, log }: VerifierParts,
): TokenVerifier {
  const longestTokenBytes = Math.max(limits.maxMessageBytes, maxHeaderTokenBytes)
  const verify = createTokenVerifier({ ...auth, keys: keys.find, keySet: keys.set, longestTokenBytes })
  return withRefusalLog(withRevocations(verify, revocations), log)
}

/** The parts that can free memory. */
interface Relievable {
  readonly hosts: readonly Pick<FeedHost, 'feed' | 'history'>[]
  readonly sessions: Sessions
  readonly log: GuardLog
}

/** Creates the guard of this process's memory; it still has to be started. */
export function createMemoryGuard(
  { limits, workers }: Config,
  { hosts, sessions, log }: Relievable,
): MemoryGuard {
  return new MemoryGuard({
    limitBytes: shareOfWorker(limits.memoryLimitBytes ?? memoryLimit(), workers),
    refuseShare: limits.memoryRefusePercent / 100,
    shedShare: limits.memoryShedPercent / 100,
    windows: hosts.map(({ feed }) => feed.window),
    clearCaches() {
      for (const { history } of hosts) history.clear()
    },
    endSessions: wanted => sessions.relieve(wanted),
    log,
  })
}

/**
 * Creates the function that appends published events. Publishers learn the kind of a fault; the log has its
 * details.
 */
export function createAppendEvents(log: EventLog, logger: WarnLog): PublishEvents {
  const faultLog = new RateLimitedLog(logger)
  return async events => {
    const results = await log.append(events)
    const errors = results.flatMap(result => ('error' in result ? [result.error] : []))
    const [first] = errors
    if (first !== undefined) {
      const fields = { error: first.message, events: errors.length }
      faultLog.warn(fields, 'events of POST /v1/events were not appended')
    }
    return results.map(result => ('error' in result ? { fault: appendFailureOf(result.error) } : result))
  }
}

interface HttpParts {
  readonly config: Config
  readonly feeds: FeedDirectory<Feed>
  readonly verify: TokenVerifier
  readonly quotas: NodeQuotas
  readonly intake: EventIntake
}

/** Serves `/v1/symbols` and `/v1/events`, and in development the page with live prices. */
export async function serveHttp(app: FastifyInstance, { config, ...parts }: HttpParts): Promise<void> {
  serveSymbols(app, parts)
  await serveEvents(app, parts.intake)
  if (config.mode !== 'development' || config.auth.keys.kind !== 'development') return
  const key = await readDevelopmentKey(config.mode)
  const token = { key, subject: 'page', scopes: ['stream'], lifetimeS: 43_200 } as const
  await servePage(app, {
    source: `${describeSource(config)}, ${describeFeeds({ feeds: [config.feeds[0]] })}`,
    signToken: () => signDevelopmentToken({ ...token, feeds: '*', channels: '*', symbols: '*' }),
  })
}

/** Publishes the demo market into a log, where it is configured. Returns a function that stops it. */
export function startDemo({ demo }: Config, log: EventLog, logger: WarnLog): () => Promise<void> {
  if (demo === undefined) return () => Promise.resolve()
  const market = createDemoMarket({ seed: demo.seed, startMs: Date.now() })
  const feed = startDemoFeed({ log, market, logger })
  return () => feed.stop()
}
