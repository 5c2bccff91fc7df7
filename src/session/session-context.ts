import type { Grant } from '../auth/grant.ts'
import type { ActiveFilters } from '../feed/active-filters.ts'
import type { Feed } from '../feed/feed.ts'
import type { History } from '../history/history.ts'
import type { ResumeConcurrency, ResumeLimits } from '../limits/resume-limits.ts'
import type { SubscribeCommand } from '../protocol/command.ts'
import type { RequestFault } from '../protocol/request-fault.ts'
import type { ServerMessage } from '../protocol/server-message.ts'
import type { Clock } from '../system/clock.ts'
import type { Payload } from '../wire/payload.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { ReaderScheduler } from './catch-up/reader-scheduler.ts'
import type { SessionAdmission } from './session-admission.ts'
import type { ReaderCounts, SessionCounts } from './session-counts.ts'
import type { SessionState } from './session-steps.ts'
import type { TransportName } from './transport.ts'

/** The limits of every session. */
export interface SessionLimits extends ResumeConcurrency {
  /** Bytes of missed events that a user may be sent in a minute. */
  readonly resumeBytesPerUser: number
  /** From the connection to a verified token. */
  readonly authTimeoutMs: number
  readonly maxMessageBytes: number
  readonly messagesPerSecond: number
  readonly maxItemsPerSession: number
  /** Different filters that sessions use at the same time. */
  readonly maxFilters: number
  /** Those of them that the sessions of one user use. */
  readonly maxFiltersPerUser: number
  readonly maxSessions: number
  readonly maxSessionsPerUser: number
  readonly sessionsPerUserPerSecond: number
  readonly maxUnsentBytes: number
  /** How much, and for how long, an acknowledging client may leave unacknowledged before it falls behind. */
  readonly maxUnackedBytes: number
  readonly maxUnackedMs: number
  /** How long a client that is behind may take nothing before its session ends. */
  readonly slowTimeoutMs: number
  readonly heartbeatMs: number
  /** How long before its token's expiry a client is warned. */
  readonly expiryWarningMs: number
  /** How long a session goes on after its token has expired: tokens are accepted for as long. */
  readonly clockToleranceMs: number
}

/** What all sessions of a feed share, most of it with those of the node's other feeds. */
export interface SessionContext {
  readonly feed: Feed
  /** Sessions of the feed that are in each state now. */
  readonly states: Record<TransportName, Record<SessionState, number>>
  readonly filters: ActiveFilters
  readonly limits: SessionLimits
  /** Of the sessions of all feeds. */
  readonly counts: SessionCounts
  readonly clock: Clock
  readonly admission: SessionAdmission
  readonly resuming: Resuming
  /** Resolves to what the token grants; rejects with a `TokenError`. */
  readonly verify: (token: string) => Promise<Grant>
  /** Returns whether a token was withdrawn after it was checked. */
  readonly isRevoked: (grant: Grant) => boolean
  /** Called with a fault of the gateway. */
  readonly onFault: (error: unknown) => void
}

/** The connection of a new session. */
export interface SessionOrigin {
  /** Unique in this process. */
  readonly number: number
  /** The client's address, as the operator's proxies state it. */
  readonly address: string
  /** How long the connection has existed. */
  readonly ageMs: number
}

/** What a client asks for with its connection, where it can send nothing later. */
export interface SessionOpening {
  readonly token: string
  readonly subscribe: SubscribeCommand
}

/** The session that a delivery is for. It may end by whatever it is sent. */
export interface Recipient {
  readonly form: WireForm
  /** Writes a frame; a client with too much unsent is ended. */
  write(frame: Payload): void
  /** Sends a message that is not of events. */
  send(message: ServerMessage): void
  /** The first acknowledgement of a subscription was sent. */
  acknowledged(): void
  /** Tells the client what is wrong with a request. */
  sendError(fault: RequestFault): void
  /** Ends the session for a fault that is not its client's. */
  fail(error: unknown): void
  /** Ends the session because the node has no room for it. */
  refuse(fault: Omit<RequestFault, 'code'>): void
}

/** What all deliveries of a feed share. */
export type DeliveryContext = Pick<SessionContext, 'feed' | 'filters' | 'clock' | 'limits' | 'resuming'>

/** What readers need to get what they missed. */
export interface Resuming {
  readonly history: History
  readonly scheduler: ReaderScheduler
  /** How much of the log each user may have read again. */
  readonly limits: ResumeLimits
  /** Whether the node is short of memory; nobody may resume then. */
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
