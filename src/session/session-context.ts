import type { Grant } from '../auth/grant.ts'
import type { Feed } from '../feed/feed.ts'
import type { History } from '../history/history.ts'
import type { ResumeConcurrency, ResumeLimits } from '../limits/resume-limits.ts'
import type { RequestFault } from '../protocol/error-message.ts'
import type { Clock } from '../system/clock.ts'
import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { ReaderScheduler } from './catch-up/reader-scheduler.ts'
import type { SessionAdmission } from './session-admission.ts'
import type { ReaderCounts, SessionCounts } from './session-counts.ts'

/** What clients are told at authentication, and held to. */
export interface SessionLimits extends ResumeConcurrency {
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

export interface SessionContext {
  readonly feed: Feed
  readonly limits: SessionLimits
  readonly counts: SessionCounts
  readonly clock: Clock
  readonly admission: SessionAdmission
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

/** To whom is delivered: a session, which may end by whatever it takes. */
export interface Recipient {
  readonly form: WireForm
  /** Takes a frame. */
  write(block: PreparedFrame): void
  /** Tells the client something. */
  send(message: object): void
  /** Tells the client what was wrong with a request of its. */
  tell(fault: RequestFault): void
  /** Ends the session by a fault that is not its client's. */
  fail(error: unknown): void
  /** Ends the session, for which there is no place. */
  refuse(fault: Omit<RequestFault, 'code'>): void
}

/** What all deliveries of a node have in common. */
export type DeliveryContext = Pick<SessionContext, 'feed' | 'clock' | 'limits' | 'resuming'>

/** How readers come to what they have not had. */
export interface Resuming {
  readonly history: History
  readonly scheduler: ReaderScheduler
  /** What each user may use of the log. */
  readonly limits: ResumeLimits
  /** Whether the node is short of memory, and lets nobody resume. */
  readonly isShort: () => boolean
  readonly counts: ResumeCounts
  readonly readers: ReaderCounts
}

/** Resumes since start. */
export interface ResumeCounts {
  /** Everything that was missed was there. */
  whole: number
  /** Something was not: too old, or gone. */
  partial: number
  /** The log could not be read. */
  failed: number
  /** The node was short of memory. */
  refused: number
}
