export interface FlushSchedulerOptions {
  /** The longest time in ms that an event waits for further events; 0: it never waits. */
  readonly maxDelayMs: number
  /** Called when a flush is due. */
  readonly flush: () => void
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/**
 * Decides when to flush: at once, as long as writing is a small part of the work. After each flush the next
 * one waits for as long as the flush took, at most `maxDelayMs`. So under load events share frames and
 * writes, and half of the time remains for everything else.
 */
export class FlushScheduler {
  readonly #maxDelayMs: number
  readonly #flush: () => void
  readonly #now: () => number
  /** When the next flush may begin. */
  #dueMs = 0
  #timer: NodeJS.Timeout | undefined
  /** Clears the timer first, because a flush that finds nothing to write never calls `measure`. */
  readonly #flushWhenDue = (): void => {
    this.#timer = undefined
    this.#flush()
  }

  constructor({ maxDelayMs, flush, now = () => performance.now() }: FlushSchedulerOptions) {
    this.#maxDelayMs = maxDelayMs
    this.#flush = flush
    this.#now = now
  }

  /** Flushes now or when it is due; once, however often it is called meanwhile. */
  request(): void {
    if (this.#timer !== undefined) return
    const waitMs = this.#dueMs - this.#now()
    if (waitMs <= 0) this.#flush()
    else this.#timer = setTimeout(this.#flushWhenDue, waitMs)
  }

  /** Runs `work`, which writes a flush, and measures how long it takes. */
  measure(work: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#maxDelayMs === 0) return work()
    const startMs = this.#now()
    work()
    const endMs = this.#now()
    this.#dueMs = endMs + Math.min(this.#maxDelayMs, endMs - startMs)
  }
}
