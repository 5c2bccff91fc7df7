import { TickerError } from '../diagnostics/ticker-error.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { KeyedRateLimiter, type RateLimiterOptions } from './rate-limiter.ts'

/**
 * The things that are limited in number: stream connections of an address, its other connections, sessions of
 * a user, and sessions of the node (under the key '').
 */
export const slotKinds = [
  'connectionsPerAddress',
  'httpConnectionsPerAddress',
  'sessionsPerUser',
  'sessions',
] as const

export type SlotKind = (typeof slotKinds)[number]

/**
 * The things that are limited in rate: handshakes of the node (under the key '') and of an address; the
 * sessions that a user begins, the events it publishes, the lists it requests, and the bytes it is sent when
 * it resumes.
 */
export const rateKinds = [
  'handshakes',
  'handshakesPerAddress',
  'sessionsPerUser',
  'eventsPerUser',
  'listsPerUser',
  'resumedBytesPerUser',
] as const

export type RateKind = (typeof rateKinds)[number]

/** A claim on the rate of one key. */
export interface RateClaim {
  readonly kind: RateKind
  readonly key: string
  readonly count: number
}

/** Releases a slot; calling it again does nothing. */
export type Release = () => void

/** The process that keeps this node's quotas does not answer. */
export class QuotasUnavailableError extends TickerError {
  readonly code = 'TICKER_LEDGER_SILENT'
}

/**
 * The quotas of the whole node: how many slots, and how much of each rate, every user and address has taken.
 * The methods return promises because in a node of several processes the workers ask the primary. They reject
 * with a `QuotasUnavailableError` where it does not answer in time.
 */
export interface NodeQuotas {
  /** Claims a slot for a key. Resolves to `undefined` where all of the key's slots are taken. */
  acquire(kind: SlotKind, key: string): Promise<Release | undefined>
  /**
   * Takes all of the claims in advance. Resolves to how many ms to wait for them. A wait longer than `mostMs`
   * takes nothing.
   */
  reserve(wants: readonly RateClaim[], mostMs: number): Promise<number>
  /** Gives back a claim that was not used. */
  refund(want: RateClaim): void
}

/** The slots and the rates of each key. */
interface QuotaLimits {
  readonly slots: Readonly<Record<SlotKind, number>>
  readonly rates: Readonly<Record<RateKind, RateLimiterOptions>>
}

/** The quotas of a node, kept in this process. */
export class LocalQuotas implements NodeQuotas {
  readonly #slotLimits: Readonly<Record<SlotKind, number>>
  readonly #rates: Readonly<Record<RateKind, KeyedRateLimiter>>
  readonly #clock: Clock
  /** Slots taken, by kind and key; a key without any is not kept. */
  readonly #takenByKind = new Map<SlotKind, Map<string, number>>(slotKinds.map(kind => [kind, new Map()]))

  constructor({ slots, rates }: QuotaLimits, clock: Clock = systemClock) {
    this.#slotLimits = slots
    this.#rates = {
      handshakes: new KeyedRateLimiter(rates.handshakes),
      handshakesPerAddress: new KeyedRateLimiter(rates.handshakesPerAddress),
      sessionsPerUser: new KeyedRateLimiter(rates.sessionsPerUser),
      eventsPerUser: new KeyedRateLimiter(rates.eventsPerUser),
      listsPerUser: new KeyedRateLimiter(rates.listsPerUser),
      resumedBytesPerUser: new KeyedRateLimiter(rates.resumedBytesPerUser),
    }
    this.#clock = clock
  }

  /** Returns how many slots are taken, over all keys. */
  slotsTaken(kind: SlotKind): number {
    let sum = 0
    for (const count of this.#takenByKind.get(kind)?.values() ?? []) sum += count
    return sum
  }

  acquire(kind: SlotKind, key: string): Promise<Release | undefined> {
    return Promise.resolve(this.acquireNow(kind, key))
  }

  /** Claims a slot at once; returns `undefined` where all are taken. */
  acquireNow(kind: SlotKind, key: string): Release | undefined {
    const taken = this.#takenByKind.get(kind) ?? new Map<string, number>()
    const count = taken.get(key) ?? 0
    if (count >= this.#slotLimits[kind]) return undefined
    taken.set(key, count + 1)
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const left = (taken.get(key) ?? 1) - 1
      if (left > 0) taken.set(key, left)
      else taken.delete(key)
    }
  }

  reserve(wants: readonly RateClaim[], mostMs: number): Promise<number> {
    return Promise.resolve(this.#reserve(wants, mostMs))
  }

  refund({ kind, key, count }: RateClaim): void {
    this.#rates[kind].refund(key, count)
  }

  #reserve(wants: readonly RateClaim[], mostMs: number): number {
    const limit = { nowMs: this.#clock.steady(), mostMs }
    let longestMs = 0
    for (const [index, { kind, key, count }] of wants.entries()) {
      const waitMs = this.#rates[kind].reserve(key, count, limit)
      longestMs = Math.max(longestMs, waitMs)
      if (waitMs <= mostMs) continue
      for (const want of wants.slice(0, index)) this.refund(want)
      break
    }
    return longestMs
  }
}

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
