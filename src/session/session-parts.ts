import type { Grant } from '../auth/grant.ts'
import type { Clock } from '../clock.ts'
import type { Feed } from '../fanout/feed.ts'
import type { ResumeTurns } from '../limits/resume-limits.ts'
import type { Resuming } from './delivery-parts.ts'
import type { Places } from './places.ts'
import type { SessionCounts } from './session-counts.ts'

/** What clients are told at authentication, and held to. */
export interface SessionLimits extends ResumeTurns {
  /** What a user may be sent, in a minute, of what was missed. */
  readonly resumeBytesPerUser: number
  /** From the connection on. */
  readonly authTimeoutMs: number
  readonly maxMessageBytes: number
  readonly messagesPerSecond: number
  readonly maxItemsPerSession: number
  readonly maxSessions: number
  readonly maxSessionsPerUser: number
  readonly sessionsPerUserPerSecond: number
  readonly maxUnsentBytes: number
  /** What an acknowledging client may leave unacknowledged, in bytes and time, without falling behind. */
  readonly maxUnackedBytes: number
  readonly maxUnackedMs: number
  /** How long a client that is behind may take nothing. */
  readonly slowTimeoutMs: number
  readonly heartbeatMs: number
  /** How long before its token's expiry a client is warned. */
  readonly expiryWarningMs: number
  /** How long after its token's expiry a session goes on, as tokens are taken for so long. */
  readonly clockToleranceMs: number
}

export interface SessionParts {
  readonly feed: Feed
  readonly limits: SessionLimits
  readonly counts: SessionCounts
  readonly clock: Clock
  readonly places: Places
  readonly resuming: Resuming
  /** Resolves to what the token allows; rejects with `TokenError`. */
  readonly verify: (token: string) => Promise<Grant>
  /** Whether a token was withdrawn since it was checked. */
  readonly isRevoked: (grant: Grant) => boolean
  /** Told of what went wrong with a message by a fault of ours. */
  readonly onFault: (error: unknown) => void
}

/** Where a session comes from. */
export interface SessionOrigin {
  /** Unique in this process. */
  readonly number: number
  /** The peer's address, as far as the operator's proxies are believed. */
  readonly address: string
  /** How long the connection has existed. */
  readonly ageMs: number
}
