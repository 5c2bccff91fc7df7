import type { TickerError } from '../diagnostics/ticker-error.ts'
import { EmbeddedLogError } from './embedded/embedded-log-error.ts'
import { type AppendRefusalReason, RefusedError, UnsentError } from './kafka/kafka-error.ts'

/**
 * Why the log did not take an event. `unconfirmed`: nobody knows whether it is there. All others are sure that it is not: it
 * was never sent (`unsent`), or refused as it would be again.
 */
export type AppendFailure = 'unsent' | 'unconfirmed' | AppendRefusalReason

/** What an error of `append` says of its event. */
export function appendFailureOf(error: TickerError): AppendFailure {
  if (error instanceof RefusedError) return error.reason
  // A transaction of the embedded log that failed has written nothing.
  return error instanceof UnsentError || error instanceof EmbeddedLogError ? 'unsent' : 'unconfirmed'
}
