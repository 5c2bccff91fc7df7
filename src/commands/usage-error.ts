import { TickerError } from '../ticker-error.ts'

/** A command was called with options it does not have or cannot read; it exits with 2. */
export class UsageError extends TickerError {
  readonly code = 'TICKER_USAGE'
}
