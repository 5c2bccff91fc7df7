interface SingleRateLimiterOptions {
  readonly perSecond: number
  /** How much of it may be used at once, as the time in which it fills up. */
  readonly burstMs: number
}

/**
 * What one peer may use: it fills up at `perSecond` and holds what fills up in `burstMs`. Two numbers, so that each session can
 * have its own. Times are on any clock that only goes on.
 */
export class RateLimiter {
  readonly #msPerPiece: number
  readonly #burstMs: number
  #usedUntilMs = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burstMs }: SingleRateLimiterOptions) {
    this.#msPerPiece = 1000 / perSecond
    this.#burstMs = burstMs
  }

  /** Uses some of it; false, and nothing is used, where there is not enough. More than it holds is taken from a full one. */
  spend(count: number, nowMs: number): boolean {
    const usedUntilMs = Math.max(nowMs, this.#usedUntilMs)
    const costMs = count * this.#msPerPiece
    if (usedUntilMs + Math.min(costMs, this.#burstMs) > nowMs + this.#burstMs) return false
    this.#usedUntilMs = usedUntilMs + costMs
    return true
  }

  /** Uses what something has cost, at most half of what a full one holds, whether or not there is enough. */
  owe(count: number, nowMs: number): void {
    const costMs = Math.min(count * this.#msPerPiece, this.#burstMs / 2)
    this.#usedUntilMs = Math.max(nowMs, this.#usedUntilMs) + costMs
  }
}

/** Beyond so many keys the one that took longest ago is forgotten, and begins with a full budget. */
const keysLimit = 10_000

export interface RateLimiterOptions {
  readonly perSecond: number
  /** How much of it may be used at once, as the time in which it fills up; 1 s if left out. */
  readonly burstMs?: number
}

/**
 * How much of something each key (a user, an address) may take: a budget that fills up at `perSecond` and holds what fills up in
 * `burstMs`. More than that is taken from a full one, and the key waits the longer for the next. Times are on any clock that only
 * goes on.
 */
export class KeyedRateLimiter {
  readonly #msPerPiece: number
  readonly #burstMs: number
  /** Until when the budget is used up, in ms, by key. */
  readonly #usedUntilMs = new Map<string, number>()
  /** How many keys it takes for the next sweep: twice those that the last one left, so that each costs little. */
  #sweepAt = keysLimit

  constructor({ perSecond, burstMs = 1000 }: RateLimiterOptions) {
    this.#msPerPiece = 1000 / perSecond
    this.#burstMs = burstMs
  }

  /** How many keys are known. */
  get keys(): number {
    return this.#usedUntilMs.size
  }

  /** Takes from a key's budget: 0, or in how many ms it will have enough; nothing is taken then. */
  take(key: string, count: number, nowMs: number): number {
    return this.reserve(key, count, { nowMs, mostMs: 0 })
  }

  /**
   * Takes from a key's budget in advance: how many ms to wait for it. Where that is more than `mostMs`, nothing is taken.
   */
  reserve(
    key: string,
    count: number,
    { nowMs, mostMs }: { readonly nowMs: number; readonly mostMs: number },
  ): number {
    const known = this.#usedUntilMs.get(key)
    if (known === undefined && this.#usedUntilMs.size >= this.#sweepAt) this.#sweep(nowMs)
    const usedUntilMs = Math.max(nowMs, known ?? nowMs)
    const costMs = count * this.#msPerPiece
    const waitMs = Math.ceil(
      Math.max(0, usedUntilMs + Math.min(costMs, this.#burstMs) - this.#burstMs - nowMs),
    )
    if (waitMs > mostMs) return waitMs
    this.#usedUntilMs.set(key, usedUntilMs + costMs)
    return waitMs
  }

  /** Gives back what was taken and then not used. */
  giveBack(key: string, count: number): void {
    const usedUntilMs = this.#usedUntilMs.get(key)
    if (usedUntilMs !== undefined) this.#usedUntilMs.set(key, usedUntilMs - count * this.#msPerPiece)
  }

  /** Forgets keys whose budget is full again. The others are no more than what was taken lately, which is limited itself. */
  #sweep(nowMs: number): void {
    for (const [key, usedUntilMs] of this.#usedUntilMs) {
      if (usedUntilMs <= nowMs) this.#usedUntilMs.delete(key)
    }
    this.#sweepAt = Math.max(keysLimit, 2 * this.#usedUntilMs.size)
  }
}
