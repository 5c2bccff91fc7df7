import { TickerError } from '../../diagnostics/ticker-error.ts'
import type { AppendFailure } from '../../event/log-record.ts'

/** Whether another attempt may succeed: `retriable`, or `fatal` until someone acts. */
export type Severity = 'retriable' | 'fatal'

/** Kafka could not be reached, or refused. `cause` is the client library's own error, if there is one. */
export class KafkaError extends TickerError {
  readonly code = 'TICKER_KAFKA'
  readonly severity: Severity

  constructor(message: string, options: ErrorOptions & { readonly severity?: Severity } = {}) {
    super(message, options)
    this.severity = options.severity ?? 'retriable'
  }
}

/** A message was never sent, so it is not in the log. Appending it again cannot write it twice. */
export class UnsentError extends KafkaError {}

/** Why Kafka refuses to append. */
export type AppendRefusalReason = Exclude<AppendFailure, 'unsent' | 'unconfirmed'>

/**
 * Kafka refused to append, and would do so again until someone acts. A batch that was refused at its first
 * attempt is certainly not in the log. If the answer to an earlier attempt was lost, it may be.
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

/** Bytes from Kafka do not have the form that they should have. */
export class MalformedError extends TickerError {
  readonly code = 'TICKER_KAFKA_MALFORMED'
}

/** This reader does not support a message format or compression. */
export class UnsupportedError extends TickerError {
  readonly code = 'TICKER_KAFKA_UNSUPPORTED'
}

/** The offsets `[from, to)` cannot be read, for the reason in `cause`. The reader continues at `to`. */
export class RecordBatchError extends TickerError {
  readonly code = 'TICKER_KAFKA_BATCH'
  /** `corrupt`: damaged on the way. `unsupported`: sound, but in a form that this reader does not support. */
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

/** There is no access token to present to a broker, or the broker refused it. Never holds the token. */
export class AccessTokenError extends TickerError {
  readonly code = 'TICKER_KAFKA_ACCESS_TOKEN'
}

/** The final refusals that a producer can meet, by the name that brokers (or kafkajs) give them. */
const refusalReasons: ReadonlyMap<string, AppendRefusalReason> = new Map([
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

/** The error as a `RefusedError` if a broker's final refusal caused it; otherwise the error itself. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RefusedError) return error
  let { message } = error
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    // The innermost message of ours says what to check.
    if (cause instanceof KafkaError) message = cause.message
    const type: unknown = Reflect.get(cause, 'type')
    const reason = refusalReasons.get(typeof type === 'string' ? type : cause.name)
    if (reason !== undefined) return new RefusedError(message, { reason, cause: error })
  }
  return error
}

/** The outcome of some work. A broker's final refusal becomes a `RefusedError`, which ends retries. */
export async function unlessRefused<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw asRefusal(error)
  }
}
