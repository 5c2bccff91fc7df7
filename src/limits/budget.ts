export interface BudgetOptions {
  readonly perSecond: number
  /** How much of it may be used at once, as the time in which it fills up. */
  readonly burstMs: number
}

/**
 * What one peer may use: it fills up at `perSecond` and holds what fills up in `burstMs`. Two numbers, so that each session can
 * have its own. Times are on any clock that only goes on.
 */
export class Budget {
  readonly #msPerPiece: number
  readonly #burstMs: number
  #usedUntilMs = Number.NEGATIVE_INFINITY

  constructor({ perSecond, burstMs }: BudgetOptions) {
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
