import { setTimeout } from 'node:timers/promises'

const firstPauseMs = 250
const longestPauseMs = 4000

/** Pauses between attempts: none before the second one, then 250 ms, and twice as long each time up to 4 s. */
export class Backoff {
  readonly #random: () => number
  #pauseMs = 0

  /** `random` gives numbers in [0, 1): pauses vary by a quarter, so that nodes do not come back in step. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Begins again, after a success. */
  reset(): void {
    this.#pauseMs = 0
  }

  /** Milliseconds of the next pause. */
  next(): number {
    const pauseMs = this.#pauseMs * (0.75 + 0.25 * this.#random())
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), longestPauseMs)
    return pauseMs
  }

  /** Resolves when the next pause is over, or when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const pauseMs = this.next()
    if (signal.aborted || pauseMs === 0) return
    await setTimeout(pauseMs, undefined, { signal }).catch(() => {})
  }
}
