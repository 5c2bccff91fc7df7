import type { Channel } from '../event/event.ts'
import type { CloseReason } from './close-reason.ts'
import type { Policy } from './command.ts'
import type { MovedPositions, OffsetRange, PartitionPosition } from './positions.ts'
import type { RequestFault, RequestId } from './request-fault.ts'

// Times are ms since 1970.

/** The limits that a client is told. */
export interface StatedLimits {
  readonly heartbeatMs: number
  readonly maxItemsPerSession: number
  readonly maxMessageBytes: number
  readonly messagesPerSecond: number
  readonly maxUnsentBytes: number
  readonly maxUnackedBytes: number
  readonly maxUnackedMs: number
}

/** A session has begun. */
export interface ConnectedMessage {
  readonly kind: 'connected'
}

/** Answers a good token. */
export interface AuthenticatedMessage {
  readonly kind: 'authenticated'
  readonly id?: RequestId | undefined
  readonly expiresAtMs: number
  readonly limits: StatedLimits
  /** The feed of the session. */
  readonly feed: { readonly name: string; readonly delayMs: number }
}

/** A subscription as clients are told of it. */
export interface SubscriptionFacts {
  /** Every channel, with the symbols that are subscribed. */
  readonly symbols: ReadonlyMap<Channel, readonly string[]>
  /** Of the channels with symbols. */
  readonly policy: Readonly<Partial<Record<Channel, Policy>>>
  /** Of the channels that are delivered at intervals; absent if there are none. */
  readonly conflateMs?: Readonly<Partial<Record<Channel, number>>>
  /** The filters of channels with symbols, in canonical form; absent if there are none. */
  readonly where?: Readonly<Partial<Record<Channel, object>>>
}

/** Acknowledges a request: the subscription from now on, and where it is delivered from. */
export interface SubscriptionMessage {
  readonly kind: 'subscription'
  readonly id?: RequestId | undefined
  readonly subscription: SubscriptionFacts
  /** In the answer to a cursor: whether everything since then will come. */
  readonly recovered?: boolean | undefined
  /** The positions that have changed since the client was told, or all of them. */
  readonly positions: { readonly moved: MovedPositions } | { readonly all: readonly PartitionPosition[] }
}

/** A client that resumed is live. */
export interface ResumedMessage {
  readonly kind: 'resumed'
  readonly id?: RequestId | undefined
  readonly recovered: boolean
}

/** New partitions, or partitions that begin anew. */
export interface PartitionsMessage {
  readonly kind: 'partitions'
  readonly partitions: readonly PartitionPosition[]
}

/**
 * Offsets. `lost`: the client does not get them. `replaced`: newer events replaced their conflated events,
 * uncounted. `coverage`: the client has every event of them.
 */
export interface RangesMessage {
  readonly kind: 'lost' | 'replaced' | 'coverage'
  readonly ranges: readonly OffsetRange[]
}

/** Warns a client that is behind. */
export interface SlowMessage {
  readonly kind: 'slow'
  readonly behindMs: number
  readonly offsets: number
  readonly unsentBytes: number
  readonly unackedBytes: number
  readonly endsInMs: number
}

/** Warns a client whose token expires soon. */
export interface ExpiringMessage {
  readonly kind: 'expiring'
  readonly expiresAtMs: number
  readonly inMs: number
}

/** Announces when this node will close the connection. */
export interface ShutdownMessage {
  readonly kind: 'shutdown'
  readonly reconnectInMs: number
  readonly positions: MovedPositions | undefined
}

/** The feed is being read: how far, and how old its newest events are. */
export interface HeartbeatMessage {
  readonly kind: 'heartbeat'
  readonly atMs: number
  readonly agesMs: Readonly<Partial<Record<Channel, number>>>
  /** Records of the log that are still to be read; `null` where nobody knows. */
  readonly lag: number | null
  /** Why the log cannot be read, and since when. */
  readonly outage?: { readonly source: string; readonly sinceMs: number } | undefined
  readonly positions?: MovedPositions
}

/** Tells a client of a fault of its own. */
export interface ErrorMessage {
  readonly kind: 'error'
  readonly fault: RequestFault
}

/** The last message of a transport that has no close codes. */
export interface ClosingMessage {
  readonly kind: 'closing'
  readonly reason: CloseReason
}

/** The events have no ids to resume from: the cursor is too long for one. */
export interface NoEventIdsMessage {
  readonly kind: 'noEventIds'
}

/** What a client is told, whatever its dialect, except for events. */
export type ServerMessage =
  | ConnectedMessage
  | AuthenticatedMessage
  | SubscriptionMessage
  | ResumedMessage
  | PartitionsMessage
  | RangesMessage
  | SlowMessage
  | ExpiringMessage
  | ShutdownMessage
  | HeartbeatMessage
  | ErrorMessage
  | ClosingMessage
  | NoEventIdsMessage

/** Current values. Events that are encoded already are to stand in it. */
export interface SnapshotFacts {
  readonly kind: 'snapshot'
  readonly id?: RequestId | undefined
  /** How far back it is complete; absent: it lacks nothing that the log had. */
  readonly sinceMs?: number | undefined
  /** Whether it is the last piece. */
  readonly isComplete: boolean
}
