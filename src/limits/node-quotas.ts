import { TickerError } from '../diagnostics/ticker-error.ts'
import { KeyedRateLimiter, type RateLimiterOptions } from './rate-limiter.ts'

/** What is limited in number: stream connections of an address, others of it, sessions of a user, sessions of the node (under the key ''). */
export const slotKinds = [
  'connectionsPerAddress',
  'httpConnectionsPerAddress',
  'sessionsPerUser',
  'sessions',
] as const

export type SlotKind = (typeof slotKinds)[number]

/** What is limited each second: handshakes of the node (under the key '') and of an address; what a user begins, publishes, lists, and is sent when it resumes. */
export const rateKinds = [
  'handshakes',
  'handshakesPerAddress',
  'sessionsPerUser',
  'eventsPerUser',
  'listsPerUser',
  'resumedBytesPerUser',
] as const

export type RateKind = (typeof rateKinds)[number]

/** A part of what a key may take each second. */
export interface RateClaim {
  readonly kind: RateKind
  readonly key: string
  readonly count: number
}

/** Gives a place back; calling it again does nothing. */
export type Release = () => void

/** The process that keeps the limits of this node does not answer. */
export class QuotasUnavailableError extends TickerError {
  readonly code = 'TICKER_LEDGER_SILENT'
}

/**
 * Who has how much of what is limited for the whole node. Promises, because processes that share a node's limits have to ask one of
 * them; they reject with a `QuotasUnavailableError` where it does not answer in time.
 */
export interface NodeQuotas {
  /** Claims a place under a key; `undefined` when all of its places are taken. */
  claim(kind: SlotKind, key: string): Promise<Release | undefined>
  /** Takes all that is wanted, in advance: how many ms to wait for it. Where that is more than `mostMs`, nothing is taken. */
  reserve(wants: readonly RateClaim[], mostMs: number): Promise<number>
  /** Gives back what was taken and then not used. */
  giveBack(want: RateClaim): void
}

/** How many places a key has, and how much each second. */
export interface QuotaLimits {
  readonly places: Readonly<Record<SlotKind, number>>
  readonly rates: Readonly<Record<RateKind, RateLimiterOptions>>
}

/** The ledger of one process. */
export class LocalQuotas implements NodeQuotas {
  readonly #places: Readonly<Record<SlotKind, number>>
  readonly #rates: Readonly<Record<RateKind, KeyedRateLimiter>>
  readonly #now: () => number
  /** Places taken, by kind and key; a key without any is not kept. */
  readonly #taken = new Map<SlotKind, Map<string, number>>(slotKinds.map(kind => [kind, new Map()]))

  /** `now` is in ms on a clock that only goes on; `performance.now` if left out. */
  constructor({ places, rates }: QuotaLimits, now: () => number = () => performance.now()) {
    this.#places = places
    this.#rates = {
      handshakes: new KeyedRateLimiter(rates.handshakes),
      handshakesPerAddress: new KeyedRateLimiter(rates.handshakesPerAddress),
      sessionsPerUser: new KeyedRateLimiter(rates.sessionsPerUser),
      eventsPerUser: new KeyedRateLimiter(rates.eventsPerUser),
      listsPerUser: new KeyedRateLimiter(rates.listsPerUser),
      resumedBytesPerUser: new KeyedRateLimiter(rates.resumedBytesPerUser),
    }
    this.#now = now
  }

  /** How many places are taken under all keys. */
  taken(kind: SlotKind): number {
    let sum = 0
    for (const count of this.#taken.get(kind)?.values() ?? []) sum += count
    return sum
  }

  claim(kind: SlotKind, key: string): Promise<Release | undefined> {
    return Promise.resolve(this.take(kind, key))
  }

  /** Claims a place at once. */
  take(kind: SlotKind, key: string): Release | undefined {
    const taken = this.#taken.get(kind) ?? new Map<string, number>()
    const count = taken.get(key) ?? 0
    if (count >= this.#places[kind]) return undefined
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

  giveBack({ kind, key, count }: RateClaim): void {
    this.#rates[kind].giveBack(key, count)
  }

  #reserve(wants: readonly RateClaim[], mostMs: number): number {
    const limit = { nowMs: this.#now(), mostMs }
    let longestMs = 0
    for (const [index, { kind, key, count }] of wants.entries()) {
      const waitMs = this.#rates[kind].reserve(key, count, limit)
      longestMs = Math.max(longestMs, waitMs)
      if (waitMs <= mostMs) continue
      for (const want of wants.slice(0, index)) this.giveBack(want)
      break
    }
    return longestMs
  }
}
