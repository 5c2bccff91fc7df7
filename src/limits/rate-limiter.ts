export interface RateLimiterOptions {
  readonly perSecond: number
  /** The largest burst, as the time in which it refills; 1 s by default. */
  readonly burstMs?: number
}

/**
 * Limits the rate of one peer: a budget that refills at `perSecond`, up to the refill of `burstMs`. It
 * consists of two numbers, so that every session can have its own. Times are in ms on a monotonic clock.
 */
export class RateLimiter {
  readonly #msPerUnit: number
  readonly #burstMs: number
  #usedUntilMs = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burstMs }: Required<RateLimiterOptions>) {
    this.#msPerUnit = 1000 / perSecond
    this.#burstMs = burstMs
  }

  /**
   * Spends from the budget. Returns false, and spends nothing, where too little is left. A count above the
   * size of the budget needs a full one.
   */
  spend(count: number, nowMs: number): boolean {
    const usedUntilMs = Math.max(nowMs, this.#usedUntilMs)
    const costMs = count * this.#msPerUnit
    if (usedUntilMs + Math.min(costMs, this.#burstMs) > nowMs + this.#burstMs) return false
    this.#usedUntilMs = usedUntilMs + costMs
    return true
  }

  /**
   * Charges a cost that has already been incurred, whether or not enough is left; at most half of a full
   * budget.
   */
  charge(count: number, nowMs: number): void {
    const costMs = Math.min(count * this.#msPerUnit, this.#burstMs / 2)
    this.#usedUntilMs = Math.max(nowMs, this.#usedUntilMs) + costMs
  }
}

/** With more keys than this, keys whose budget is full are forgotten. */
const keysLimit = 10_000

/**
 * Limits the rate of each key (a user, an address): a budget that refills at `perSecond`, up to the refill of
 * `burstMs`. A key may take more than a full budget holds, and then waits longer for the next. Times are in
 * ms on a monotonic clock.
 */
export class KeyedRateLimiter {
  readonly #msPerUnit: number
  readonly #burstMs: number
  /** The time at which each key's budget is full again, in ms. */
  readonly #usedUntilMs = new Map<string, number>()
  /**
   * The number of keys that triggers the next sweep: twice those that the last one left, so that sweeps stay
   * cheap.
   */
  #sweepAt = keysLimit

  constructor({ perSecond, burstMs = 1000 }: RateLimiterOptions) {
    this.#msPerUnit = 1000 / perSecond
    this.#burstMs = burstMs
  }

  /** The number of keys that are kept. */
  get keys(): number {
    return this.#usedUntilMs.size
  }

  /**
   * Takes from a key's budget and returns 0. Where too little is left it takes nothing, and returns the ms
   * until there is enough.
   */
  take(key: string, count: number, nowMs: number): number {
    return this.reserve(key, count, { nowMs, mostMs: 0 })
  }

  /**
   * Takes from a key's budget in advance. Returns how many ms to wait for it. A wait longer than `mostMs`
   * takes nothing.
   */
  reserve(
    key: string,
    count: number,
    { nowMs, mostMs }: { readonly nowMs: number; readonly mostMs: number },
  ): number {
    const known = this.#usedUntilMs.get(key)
    if (known === undefined && this.#usedUntilMs.size >= this.#sweepAt) this.#sweep(nowMs)
    const usedUntilMs = Math.max(nowMs, known ?? nowMs)
    const costMs = count * this.#msPerUnit
    const waitMs = Math.ceil(
      Math.max(0, usedUntilMs + Math.min(costMs, this.#burstMs) - this.#burstMs - nowMs),
    )
    if (waitMs > mostMs) return waitMs
    this.#usedUntilMs.set(key, usedUntilMs + costMs)
    return waitMs
  }

  /** Gives back a claim that was not used. */
  refund(key: string, count: number): void {
    const usedUntilMs = this.#usedUntilMs.get(key)
    if (usedUntilMs !== undefined) this.#usedUntilMs.set(key, usedUntilMs - count * this.#msPerUnit)
  }

  /**
   * Forgets keys whose budget is full. The others have taken something lately, so their number is bounded.
   */
  #sweep(nowMs: number): void {
    for (const [key, usedUntilMs] of this.#usedUntilMs) {
      if (usedUntilMs <= nowMs) this.#usedUntilMs.delete(key)
    }
    this.#sweepAt = Math.max(keysLimit, 2 * this.#usedUntilMs.size)
  }
}
