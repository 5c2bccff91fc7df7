import type { TickerError } from '../diagnostics/ticker-error.ts'
import type { AppendFailure } from '../event/log-record.ts'
import { EmbeddedLogError } from './embedded/embedded-log-error.ts'
import { RefusedError, UnsentError } from './kafka/kafka-error.ts'

/** The kind of failure behind an error of `append`. */
export function appendFailureOf(error: TickerError): AppendFailure {
  if (error instanceof RefusedError) return error.reason
  // A failed transaction of the embedded log has written nothing.
  return error instanceof UnsentError || error instanceof EmbeddedLogError ? 'unsent' : 'unconfirmed'
}
