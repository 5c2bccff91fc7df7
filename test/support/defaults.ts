import type { Grant } from '../../src/auth/grant.ts'
import { Revocations } from '../../src/auth/revocations.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import { Feed, type FeedOptions } from '../../src/feed/feed.ts'
import { LocalQuotas, type NodeLimits, quotaLimits } from '../../src/limits/node-quotas.ts'
import type { SessionLimits } from '../../src/session/session-context.ts'
import type { FeedSource } from '../../src/session/session-feed.ts'
import { Sessions, type SessionsOptions } from '../../src/session/sessions.ts'
import type { Clock } from '../../src/system/clock.ts'
import { createTickerV1Forms } from '../../src/wire/ticker-v1-forms.ts'
import { production } from '../config/environment.ts'
import { noHistory } from './memory-log.ts'

/** Production's configuration if nothing is set. Tests run with it, except for `overrides`. */
export const defaults = readConfig(production)

/** The default limits of sessions and of a node. */
export const defaultLimits: SessionLimits & NodeLimits = {
  ...defaults.limits,
  eventsPerSecond: defaults.publish.eventsPerSecond,
  clockToleranceMs: defaults.auth.clockToleranceS * 1000,
}

/** A feed with production's defaults. */
export function createTestFeed(changes: Partial<FeedOptions> = {}): Feed {
  const { windowBytes: maxBytes, windowMs: maxAgeMs, maxItems } = defaults.ingest
  const { flushDelayMs } = defaults.limits
  const window = { maxBytes, maxAgeMs }
  return new Feed({ maxItems, window, flushDelayMs, createForms: createTickerV1Forms, ...changes })
}

/** Quotas with production's default limits. */
export function createTestQuotas(limits: Partial<NodeLimits> = {}, clock?: Clock): LocalQuotas {
  return new LocalQuotas(quotaLimits({ ...defaultLimits, ...limits }), clock)
}

/** A grant of everything on the stream. */
export function createGrant(changes: Partial<Grant> = {}): Grant {
  return {
    subject: 'ann',
    scopes: new Set(['stream']),
    feeds: '*',
    channels: '*',
    symbols: '*',
    rooms: new Set(),
    expiresAtMs: 2e12,
    ...changes,
  }
}

/** Sessions on an empty log, for which every token grants everything. */
export function createTestSessions(
  limits: SessionLimits & NodeLimits,
  { feed, history = noHistory, ...options }: Partial<SessionsOptions & FeedSource> & Pick<FeedSource, 'feed'>,
): Sessions {
  return new Sessions({
    limits,
    feeds: [{ feed, history }],
    quotas: createTestQuotas(limits),
    revocations: new Revocations(),
    verify: () => Promise.resolve(createGrant()),
    ...options,
  })
}

/**
 * The limits in which the fixtures of tests differ from production, and why. A single test states its own.
 */
export const overrides = {
  /** Sessions over fake connections, whose limits a few messages reach. */
  sessions: {
    maxItemsPerSession: 5,
    maxSessions: 2,
    maxUnsentBytes: 1000,
    authTimeoutMs: 1000,
    // A session ends exactly when its token does, which keeps the times in tests readable.
    clockToleranceMs: 0,
    // Tests open many sessions at one moment of a standing clock.
    sessionsPerUserPerSecond: 100,
  },
  /** The simulation of readers, which checks deliveries, not limits. */
  readers: {
    // Time passes in leaps of minutes, and no client authenticates late.
    authTimeoutMs: 1e9,
    expiryWarningMs: 1,
    clockToleranceMs: 0,
    // All of its clients are one user, who reconnects often.
    messagesPerSecond: 1e9,
    sessionsPerUserPerSecond: 1e6,
    // Acknowledging clients fall behind within a few frames.
    maxUnackedBytes: 1000,
    // The simulation decides when a connection takes frames.
    maxUnsentBytes: 1e9,
  },
  /** A real stream without a log, to which many clients of one user connect at once. */
  bareStream: {
    maxSessionsPerUser: 1000,
    sessionsPerUserPerSecond: 1000,
    heartbeatMs: 60_000,
  },
  /** The window of the simulation: older events are read from the log. */
  readersWindowMs: 10_000,
} as const satisfies Readonly<Record<string, Partial<SessionLimits> | number>>
