const firstMs = 250
const longestMs = 10_000
/** A connection that lived this long was a good one. */
const goodMs = 10_000

/** How long to wait before each connection after one that ended: longer each time, and never quite the same. */
export class Backoff {
  readonly #random: () => number
  #failures = 0

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds to wait after a connection that lived so long; at least what the server asked for. */
  next(livedMs: number, askedMs: number): number {
    if (livedMs >= goodMs) this.#failures = 0
    const mostMs = Math.min(longestMs, firstMs * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 16)
    return Math.max(askedMs, Math.round(mostMs * (0.5 + this.#random() / 2)))
  }
}
