import { type PartitionPosition, runsOf } from './cursor.ts'
import type { RequestId } from './error-message.ts'

/** Offsets `[from, to)` of a partition. */
export interface OffsetRange {
  /** Of the partition. */
  readonly number: number
  readonly from: number
  readonly to: number
}

/** The next position of partitions, by their numbers. */
export type MovedPositions = readonly (readonly [number: number, position: number])[]

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

// A field that is undefined is left out of the JSON.

export const connectedMessage = { T: 'success', msg: 'connected' } as const

/** Answers a good token (`PROTOCOL.md` §4). */
export function authenticatedMessage(
  expiresAtMs: number,
  limits: StatedLimits,
  id: RequestId | undefined,
): object {
  return {
    T: 'success',
    msg: 'authenticated',
    id,
    expiresAt: new Date(expiresAtMs).toISOString(),
    heartbeatMs: limits.heartbeatMs,
    limits: {
      items: limits.maxItemsPerSession,
      messageBytes: limits.maxMessageBytes,
      messagesPerSecond: limits.messagesPerSecond,
      unsentBytes: limits.maxUnsentBytes,
      unackedBytes: limits.maxUnackedBytes,
      unackedMs: limits.maxUnackedMs,
    },
  }
}

/** Acknowledges a request: the subscription from now on, and where it is delivered from. */
export interface SubscriptionFacts {
  readonly id: RequestId | undefined
  /** The lists, policies and intervals. */
  readonly lists: object
  /** In the answer to a cursor: whether everything since then will come. */
  readonly recovered?: boolean | undefined
  /** The positions that have changed since the client was told, or all of them. */
  readonly where: { readonly moved: MovedPositions } | { readonly all: readonly PartitionPosition[] }
}

export function subscriptionMessage({ id, lists, recovered, where }: SubscriptionFacts): object {
  const positions = 'moved' in where ? { positions: where.moved } : { partitions: runsOf(where.all) }
  return { T: 'subscription', id, ...lists, recovered, ...positions }
}

/** A client that resumed is live. */
export function resumedMessage(recovered: boolean, id: RequestId | undefined): object {
  return { T: 'resumed', id, recovered }
}

/** New partitions, or partitions that begin anew. */
export function partitionsMessage(positions: readonly PartitionPosition[]): object {
  return { T: 'partitions', partitions: runsOf(positions) }
}

/** Offsets that the client does not get. */
export function lostMessage(ranges: readonly OffsetRange[]): object {
  return { T: 'lost', ranges: ranges.map(tupleOf) }
}

/** Offsets whose conflated events were replaced by newer ones, uncounted. */
export function replacedMessage(ranges: readonly OffsetRange[]): object {
  return { T: 'replaced', ranges: ranges.map(tupleOf) }
}

/** Offsets that hold nothing for the client. */
export function coverageMessage(ranges: readonly OffsetRange[]): object {
  return { T: 'coverage', ranges: ranges.map(tupleOf) }
}

function tupleOf({ number, from, to }: OffsetRange): readonly [number: number, from: number, to: number] {
  return [number, from, to]
}

/**
 * The head of a snapshot's pieces. `since` is read for each piece, of that moment; absent where it is
 * undefined.
 */
export function snapshotHead(id: RequestId | undefined, sinceMs: () => number | undefined): object {
  return {
    T: 'snapshot',
    id,
    get since() {
      const ms = sinceMs()
      return ms === undefined ? undefined : new Date(Math.max(0, Math.ceil(ms))).toISOString()
    },
  }
}

/** Warns a client that is behind. */
export function slowMessage(facts: {
  readonly behindMs: number
  readonly offsets: number
  readonly unsentBytes: number
  readonly unackedBytes: number
  readonly endsInMs: number
}): object {
  const { behindMs, endsInMs, ...rest } = facts
  return { T: 'slow', behindMs: Math.round(behindMs), ...rest, endsInMs: Math.round(endsInMs) }
}

/** Warns a client whose token expires soon. */
export function expiringMessage(expiresAtMs: number, nowMs: number): object {
  const inMs = Math.max(0, expiresAtMs - nowMs)
  return { T: 'expiring', expiresAt: new Date(expiresAtMs).toISOString(), inMs }
}

/** Announces when this node will close the connection. */
export function shutdownMessage(reconnectInMs: number, positions: MovedPositions | undefined): object {
  return { T: 'shutdown', reconnectInMs, positions }
}

/** The feed is being read: how far, and how old its newest events are. */
export interface HeartbeatFacts {
  readonly wallMs: number
  readonly agesMs: object
  /** Records of the log that are still to be read; `null` where nobody knows. */
  readonly lag: number | null | undefined
  /** What cannot be reached, and since when, while the log cannot be read. */
  readonly outage?: object
}

export function heartbeatMessage({ wallMs, agesMs, lag, outage }: HeartbeatFacts): object {
  return { T: 'heartbeat', t: new Date(wallMs).toISOString(), agesMs, lag, ...outage }
}
