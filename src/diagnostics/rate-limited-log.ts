import { type Clock, systemClock } from '../system/clock.ts'

/** The part of a logger (pino's shape) that warnings need. */
export interface WarnLog {
  warn(fields: object, message: string): void
}

/**
 * Limits warnings that may come in floods: at most one in each interval is written, with the number of those
 * suppressed.
 */
export class RateLimitedLog implements WarnLog {
  readonly #log: WarnLog
  readonly #intervalMs: number
  readonly #clock: Clock
  #writtenMs = Number.NEGATIVE_INFINITY
  #suppressed = 0

  constructor(log: WarnLog, intervalMs = 1000, clock: Clock = systemClock) {
    this.#log = log
    this.#intervalMs = intervalMs
    this.#clock = clock
  }

  warn(fields: object, message: string): void {
    const nowMs = this.#clock.steady()
    if (nowMs - this.#writtenMs < this.#intervalMs) {
      this.#suppressed++
      return
    }
    this.#writtenMs = nowMs
    this.#log.warn(this.#suppressed > 0 ? { ...fields, suppressed: this.#suppressed } : fields, message)
    this.#suppressed = 0
  }
}
