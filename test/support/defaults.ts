import { readConfig } from '../../src/config/config-reader.ts'
import { Feed, type FeedOptions } from '../../src/feed/feed.ts'
import type { NodeLimits } from '../../src/limits/node-limits.ts'
import type { SessionLimits } from '../../src/session/session-context.ts'
import { production } from '../config/environment.ts'

/** What production runs with where nothing is configured. Tests run with it, but for what stands in `overrides`. */
export const defaults = readConfig(production)

/** Of sessions, and of a node. */
export const defaultLimits: SessionLimits & NodeLimits = {
  ...defaults.limits,
  eventsPerSecond: defaults.publish.eventsPerSecond,
  clockToleranceMs: defaults.auth.clockToleranceS * 1000,
}

/** A feed with production's defaults. */
export function createTestFeed(changes: Partial<FeedOptions> = {}): Feed {
  const { tapeBytes: maxBytes, tapeMs: maxAgeMs, maxItems } = defaults.ingest
  const { flushDelayMs } = defaults.limits
  return new Feed({ maxItems, window: { maxBytes, maxAgeMs }, flushDelayMs, ...changes })
}

/** Where the stages of tests depart from production, and why. A single test says so in its own text. */
export const overrides = {
  /** Sessions over fake connections: its limits are reached with a few messages. */
  stage: {
    maxItemsPerSession: 5,
    maxSessions: 2,
    maxUnsentBytes: 1000,
    authTimeoutMs: 1000,
    // A session ends exactly when its token does, so that times in tests can be read.
    clockToleranceMs: 0,
    // Who opens many sessions in one moment of a clock that stands does not wait for a turn.
    sessionsPerUserPerSecond: 100,
  },
  /** The model of readers: what it looks for is what happens to what was delivered; it talks and waits as it likes. */
  readers: {
    // Its time goes on in leaps of minutes, and nobody authenticates late there.
    authTimeoutMs: 1e9,
    expiryWarningMs: 1,
    clockToleranceMs: 0,
    // All of its clients are one user, who reconnects as often as the run has it.
    messagesPerSecond: 1e9,
    sessionsPerUserPerSecond: 1e6,
    // Acknowledging clients fall behind within a few frames.
    maxUnackedBytes: 1000,
    // Frames that are not taken are kept until the run lets them be.
    maxUnsentBytes: 1e9,
  },
  /** A real stream without a log: many clients of one user come in one moment, and nothing but what the test publishes is told. */
  bareStream: {
    maxSessionsPerUser: 1000,
    sessionsPerUserPerSecond: 1000,
    heartbeatMs: 60_000,
  },
  /** The window of those readers: what is older is read from the log. */
  readersWindowMs: 10_000,
} as const satisfies Readonly<Record<string, Partial<SessionLimits> | number>>
