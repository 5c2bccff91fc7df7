import type { TickerError } from '../diagnostics/ticker-error.ts'
import { EmbeddedLogError } from './embedded/embedded-log-error.ts'
import { type AppendRefusalReason, RefusedError, UnsentError } from './kafka/kafka-error.ts'

/**
 * Why an append failed. `unconfirmed`: the event may be in the log or not. With every other failure it
 * certainly is not: it was never sent (`unsent`), or the log refused it, and would do so again.
 */
export type AppendFailure = 'unsent' | 'unconfirmed' | AppendRefusalReason

/** The kind of failure behind an error of `append`. */
export function appendFailureOf(error: TickerError): AppendFailure {
  if (error instanceof RefusedError) return error.reason
  // A failed transaction of the embedded log has written nothing.
  return error instanceof UnsentError || error instanceof EmbeddedLogError ? 'unsent' : 'unconfirmed'
}
