import { TickerError } from '../../ticker-error.ts'

/** A message format or compression that this reader lacks. */
export class UnsupportedError extends TickerError {
  readonly code = 'TICKER_KAFKA_UNSUPPORTED'
}

/** The offsets `[from, to)` cannot be read; the reader has passed over them. `cause` says what was wrong. */
export class RecordBatchError extends TickerError {
  readonly code = 'TICKER_KAFKA_BATCH'
  /** `corrupt`: not what was written. `unsupported`: sound, but in a form that this reader lacks. */
  readonly fault: 'corrupt' | 'unsupported'
  readonly from: number
  readonly to: number

  constructor([from, to]: readonly [from: number, to: number], cause: Error) {
    super(`the offsets from ${from} to before ${to} cannot be read: ${cause.message}`, { cause })
    this.fault = cause instanceof UnsupportedError ? 'unsupported' : 'corrupt'
    this.from = from
    this.to = to
  }
}
