export interface FlushSchedulerOptions {
  /** How long an event may wait for further ones, in ms; 0: it never does. */
  readonly mostMs: number
  /** What is to be called when a flush is due. */
  readonly flush: () => void
  /** Milliseconds on a clock that only goes on. */
  readonly now?: () => number
}

/**
 * When to write what has come: at once, as long as writing is a small part of the work. After a flush that took some time the next
 * one waits for as long, at most `mostMs`, so that under load events share frames and writes, and half of the time is left for
 * everything else.
 */
export class FlushScheduler {
  readonly #mostMs: number
  readonly #flush: () => void
  readonly #now: () => number
  /** When the next flush may be. */
  #dueMs = 0
  #timer: NodeJS.Timeout | undefined
  /** A flush may find nothing to write, and never come to `measure`: the timer is over all the same. */
  readonly #flushWhenDue = (): void => {
    this.#timer = undefined
    this.#flush()
  }

  constructor({ mostMs, flush, now = () => performance.now() }: FlushSchedulerOptions) {
    this.#mostMs = mostMs
    this.#flush = flush
    this.#now = now
  }

  /** Flushes now, or when it is due; once, however often it is asked for meanwhile. */
  ask(): void {
    if (this.#timer !== undefined) return
    const waitMs = this.#dueMs - this.#now()
    if (waitMs <= 0) this.#flush()
    else this.#timer = setTimeout(this.#flushWhenDue, waitMs)
  }

  /** Does what a flush does, and notes how long it took. */
  measure(work: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#mostMs === 0) return work()
    const startMs = this.#now()
    work()
    const endMs = this.#now()
    this.#dueMs = endMs + Math.min(this.#mostMs, endMs - startMs)
  }
}
