import { TickerError } from '../../ticker-error.ts'

/** Whether doing the same again may succeed: `retriable`, or `fatal` until someone acts. */
export type Severity = 'retriable' | 'fatal'

/** Kafka could not be reached, or refused; `cause` is the client's own error where there is one. */
export class KafkaError extends TickerError {
  readonly code = 'TICKER_KAFKA'
  readonly severity: Severity

  constructor(message: string, options: ErrorOptions & { readonly severity?: Severity } = {}) {
    super(message, options)
    this.severity = options.severity ?? 'retriable'
  }
}

/** What was to be appended was never sent, so it is not in the log: to append it again cannot repeat it. */
export class UnsentError extends KafkaError {}

/** Bytes from Kafka that do not have the form they should have. */
export class MalformedError extends TickerError {
  readonly code = 'TICKER_KAFKA_MALFORMED'
}
