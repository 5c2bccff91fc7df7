import { KafkaError, type RefusalReason, RefusedError } from './kafka-error.ts'

/** What brokers call a refusal that repeating does not change, as far as a producer can meet it. */
const reasons: ReadonlyMap<string, RefusalReason> = new Map([
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
