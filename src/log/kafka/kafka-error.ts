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

/**
 * Why Kafka refuses to append: rights or credentials are missing (`forbidden`), a record is larger than its topic
 * allows (`oversize`), or a rule of the topic or the broker is broken (`rejected`).
 */
export type RefusalReason = 'forbidden' | 'oversize' | 'rejected'

/**
 * Kafka refused to append, and would do so again until someone acts. A batch that was sent for the first time is surely
 * not in the log then; one whose earlier answer was lost may be.
 */
export class RefusedError extends KafkaError {
  readonly reason: RefusalReason

  constructor(
    message: string,
    { reason, cause }: { readonly reason: RefusalReason; readonly cause?: unknown },
  ) {
    super(message, { cause, severity: 'fatal' })
    this.reason = reason
  }
}

/** Bytes from Kafka that do not have the form they should have. */
export class MalformedError extends TickerError {
  readonly code = 'TICKER_KAFKA_MALFORMED'
}
