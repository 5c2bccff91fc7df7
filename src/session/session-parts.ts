import type { Grant } from '../auth/grant.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Session } from './session.ts'
import type { SessionCounts } from './session-counts.ts'

/** What clients are told at authentication, and held to. */
export interface SessionLimits {
  readonly authTimeoutMs: number
  readonly maxMessageBytes: number
  readonly maxItemsPerSession: number
  readonly maxSessions: number
  readonly maxUnsentBytes: number
  readonly heartbeatMs: number
}

export interface SessionParts {
  readonly feed: Feed
  readonly limits: SessionLimits
  readonly counts: SessionCounts
  /** Resolves to what the token allows; rejects with `TokenError`. */
  readonly verify: (token: string) => Promise<Grant>
  /** Told of what went wrong with a message by a fault of ours. */
  readonly onFault: (error: unknown) => void
  /** Claims a place among the node's sessions; false when all are taken. */
  readonly admit: (session: Session) => boolean
}
