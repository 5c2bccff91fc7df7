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
  readonly #nowMs: () => number
  #writtenMs = Number.NEGATIVE_INFINITY
  #suppressed = 0

  constructor(log: WarnLog, intervalMs = 1000, nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#intervalMs = intervalMs
    this.#nowMs = nowMs
  }

  warn(fields: object, message: string): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#writtenMs < this.#intervalMs) {
      this.#suppressed++
      return
    }
    this.#writtenMs = nowMs
    this.#log.warn(this.#suppressed > 0 ? { ...fields, suppressed: this.#suppressed } : fields, message)
    this.#suppressed = 0
  }
}
