import type { QuotaLimits } from './node-quotas.ts'

/** The part of its message rate that a client may use at once, as time (`PROTOCOL.md` §2). */
export const messageBurstMs = 4000
/** A message counts once, and once more for each of this many bytes. */
export const bytesPerMessage = 1024

/** The limits of a node for each user, for each address, and for all of them together. */
export interface NodeLimits {
  readonly maxConnectionsPerAddress: number
  readonly maxSessionsPerUser: number
  readonly maxSessions: number
  readonly handshakesPerSecond: number
  readonly handshakesPerAddressPerSecond: number
  readonly sessionsPerUserPerSecond: number
  readonly eventsPerSecond: number
  /** Each minute. */
  readonly resumeBytesPerUser: number
}

/** The part of its rate that an address, a user or the node may take at once, as time. */
const burstMs = 4000
/** Lists of symbols that a user may request: two a second, twenty at once. */
const lists = { perSecond: 2, burstMs: 10_000 }
const minuteMs = 60_000

/** Returns the quotas that a node's limits amount to. */
export function quotaLimits(limits: NodeLimits): QuotaLimits {
  return {
    slots: {
      connectionsPerAddress: limits.maxConnectionsPerAddress,
      httpConnectionsPerAddress: limits.maxConnectionsPerAddress,
      sessionsPerUser: limits.maxSessionsPerUser,
      sessions: limits.maxSessions,
    },
    rates: {
      handshakes: { perSecond: limits.handshakesPerSecond, burstMs },
      handshakesPerAddress: { perSecond: limits.handshakesPerAddressPerSecond, burstMs },
      sessionsPerUser: { perSecond: limits.sessionsPerUserPerSecond, burstMs },
      eventsPerUser: { perSecond: limits.eventsPerSecond },
      listsPerUser: lists,
      resumedBytesPerUser: { perSecond: (limits.resumeBytesPerUser * 1000) / minuteMs, burstMs: minuteMs },
    },
  }
}
