import { TickerError } from '../../diagnostics/ticker-error.ts'

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
export type AppendRefusalReason = 'forbidden' | 'oversize' | 'rejected'

/**
 * Kafka refused to append, and would do so again until someone acts. A batch that was sent for the first time is surely
 * not in the log then; one whose earlier answer was lost may be.
 */
export class RefusedError extends KafkaError {
  readonly reason: AppendRefusalReason

  constructor(
    message: string,
    { reason, cause }: { readonly reason: AppendRefusalReason; readonly cause?: unknown },
  ) {
    super(message, { cause, severity: 'fatal' })
    this.reason = reason
  }
}

/** Bytes from Kafka that do not have the form they should have. */
export class MalformedError extends TickerError {
  readonly code = 'TICKER_KAFKA_MALFORMED'
}

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

/** There is no access token to show to a broker, or the broker refused it. Never holds the token. */
export class AccessTokenError extends TickerError {
  readonly code = 'TICKER_KAFKA_ACCESS_TOKEN'
}

/** What brokers call a refusal that repeating does not change, as far as a producer can meet it. */
const reasons: ReadonlyMap<string, AppendRefusalReason> = new Map([
  ['TOPIC_AUTHORIZATION_FAILED', 'forbidden'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'forbidden'],
  ['SASL_AUTHENTICATION_FAILED', 'forbidden'],
  ['UNSUPPORTED_SASL_MECHANISM', 'forbidden'],
  ['KafkaJSSASLAuthenticationError', 'forbidden'],
  ['MESSAGE_TOO_LARGE', 'oversize'],
  ['RECORD_LIST_TOO_LARGE', 'oversize'],
  ['INVALID_RECORD', 'rejected'],
  ['INVALID_TIMESTAMP', 'rejected'],
  ['INVALID_TOPIC_EXCEPTION', 'rejected'],
  ['POLICY_VIOLATION', 'rejected'],
  ['UNSUPPORTED_FOR_MESSAGE_FORMAT', 'rejected'],
])

/** The error as a `RefusedError` where a broker's refusal is behind it, by the broker's name for it; else as it is. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RefusedError) return error
  let { message } = error
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    // The innermost of ours says what to check.
    if (cause instanceof KafkaError) message = cause.message
    const type: unknown = Reflect.get(cause, 'type')
    const reason = reasons.get(typeof type === 'string' ? type : cause.name)
    if (reason !== undefined) return new RefusedError(message, { reason, cause: error })
  }
  return error
}

/** The outcome of some work; rejects with a `RefusedError`, which no repetition changes, where a broker refused. */
export async function unlessRefused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw asRefusal(error)
  }
}
