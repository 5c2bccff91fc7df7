import { closeReasonTerms } from '../close-reason.ts'
import type { OpenMessage } from '../dialect.ts'
import type { OffsetRange } from '../positions.ts'
import type { RequestFault } from '../request-fault.ts'
import type {
  AuthenticatedMessage,
  HeartbeatMessage,
  NoEventIdsMessage,
  ServerMessage,
  SlowMessage,
  SnapshotFacts,
  SubscriptionMessage,
} from '../server-message.ts'
import { errorTexts } from './error-texts.ts'
import { runsOf } from './partition-runs.ts'

/** Spells a message (`PROTOCOL.md` §4). A field that is `undefined` is left out of the JSON. */
export function spellMessage(message: ServerMessage): object {
  switch (message.kind) {
    case 'connected':
      return { T: 'success', msg: 'connected' }
    case 'authenticated':
      return spellAuthenticated(message)
    case 'subscription':
      return spellSubscription(message)
    case 'resumed':
      return { T: 'resumed', id: message.id, recovered: message.recovered }
    case 'partitions':
      return { T: 'partitions', partitions: runsOf(message.partitions) }
    case 'lost':
    case 'replaced':
    case 'coverage':
      return { T: message.kind, ranges: message.ranges.map(tupleOf) }
    case 'slow':
      return spellSlow(message)
    case 'expiring':
      return { T: 'expiring', expiresAt: timeOf(message.expiresAtMs), inMs: message.inMs }
    case 'shutdown':
      return { T: 'shutdown', reconnectInMs: message.reconnectInMs, positions: message.positions }
    case 'heartbeat':
      return spellHeartbeat(message)
    case 'error':
      return { T: 'error', ...spellFault(message.fault) }
    case 'closing':
      return { T: 'closing', reason: message.reason, next: closeReasonTerms[message.reason].client }
    case 'noEventIds':
    default:
      return spellNoEventIds(message)
  }
}

/** Spells a message around a list that the wire form writes. */
export function openMessage(message: SnapshotFacts | { readonly kind: 'coverage' }): OpenMessage {
  if (message.kind === 'coverage') return { before: { T: 'coverage' }, list: 'ranges', after: {} }
  const { id, sinceMs, isComplete } = message
  const since = sinceMs === undefined ? undefined : timeOf(Math.max(0, Math.ceil(sinceMs)))
  return { before: { T: 'snapshot', id, since }, list: 'events', after: { complete: isComplete } }
}

function spellAuthenticated({ id, expiresAtMs, limits, feed }: AuthenticatedMessage): object {
  return {
    T: 'success',
    msg: 'authenticated',
    id,
    expiresAt: timeOf(expiresAtMs),
    ...spellFeed(feed),
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

/** Another kind without a case of its own does not compile here. */
function spellNoEventIds({ kind }: NoEventIdsMessage): object {
  return { T: kind }
}

/** A client of `live` need not be told that events are not delayed. */
function spellFeed({ name, delayMs }: AuthenticatedMessage['feed']): object {
  return name === 'live' && delayMs === 0 ? {} : { feed: name, delayMs }
}

function spellSubscription({ id, subscription, recovered, positions }: SubscriptionMessage): object {
  const { symbols, policy, conflateMs, where } = subscription
  return {
    T: 'subscription',
    id,
    ...Object.fromEntries(symbols),
    policy,
    conflateMs,
    where,
    recovered,
    ...('moved' in positions ? { positions: positions.moved } : { partitions: runsOf(positions.all) }),
  }
}

function spellSlow({ behindMs, offsets, unsentBytes, unackedBytes, endsInMs }: SlowMessage): object {
  return {
    T: 'slow',
    behindMs: Math.round(behindMs),
    offsets,
    unsentBytes,
    unackedBytes,
    endsInMs: Math.round(endsInMs),
  }
}

function spellHeartbeat({ atMs, agesMs, lag, outage, positions }: HeartbeatMessage): object {
  const since = outage && timeOf(outage.sinceMs)
  return { T: 'heartbeat', t: timeOf(atMs), agesMs, lag, source: outage?.source, since, positions }
}

function spellFault({ code, detail, id }: RequestFault): object {
  return { code, msg: errorTexts[code], detail, id }
}

function tupleOf({ number, from, to }: OffsetRange): readonly [number: number, from: number, to: number] {
  return [number, from, to]
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
