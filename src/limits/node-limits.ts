import type { QuotaLimits } from './node-quotas.ts'

/** So much of its rate of messages a client may use at once (`PROTOCOL.md` §2). */
export const messageBurstMs = 4000
/** A message counts once more for each so many bytes. */
export const bytesPerMessage = 1024

/** What a node allows each of its users and addresses, and all of them. */
export interface NodeLimits {
  readonly maxConnectionsPerAddress: number
  readonly maxSessionsPerUser: number
  readonly maxSessions: number
  readonly handshakesPerSecond: number
  readonly handshakesPerAddressPerSecond: number
  readonly sessionsPerUserPerSecond: number
  readonly eventsPerSecond: number
  /** In a minute. */
  readonly resumeBytesPerUser: number
}

/** So much of its rate an address, a user or the node may use at once. */
const burstMs = 4000
/** Lists of symbols that a user may ask for: two a second, twenty at once. */
const lists = { perSecond: 2, burstMs: 10_000 }
const minuteMs = 60_000

/** What a ledger keeps of a node's limits. */
export function quotaLimits(limits: NodeLimits): QuotaLimits {
  return {
    places: {
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
