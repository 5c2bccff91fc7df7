import type { LogBatch, LogRecord } from '../event-log.ts'

/**
 * The last record that was read of a partition. Reading again from it tells whether the log was cut back and
 * has grown again meanwhile: by the offset alone that looks like the old log.
 */
export class LastRecord {
  readonly offset: number
  readonly #timestampMs: number
  readonly #value: Buffer | null

  /** Copies the record, which may be a view. */
  constructor({ offset, timestampMs, value }: LogRecord) {
    this.offset = offset
    this.#timestampMs = timestampMs
    this.#value = value === null ? null : Buffer.from(value)
  }

  /**
   * Whether the log now has something else before `position`, up to which it had been read: other records, or
   * none where this one was.
   */
  contradicts({ from, to, records }: LogBatch, position: number): boolean {
    const isCovered = from <= this.offset && this.offset < to
    if (isCovered && !records.some(record => this.#isSame(record))) return true
    return records.some(record => record.offset < position && !this.#isSame(record))
  }

  #isSame({ offset, timestampMs, value }: LogRecord): boolean {
    if (offset !== this.offset || timestampMs !== this.#timestampMs) return false
    return value === null || this.#value === null ? value === this.#value : this.#value.equals(value)
  }
}
