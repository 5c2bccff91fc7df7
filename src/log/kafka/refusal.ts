import { type RefusalReason, RefusedError } from './kafka-error.ts'

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

/** The same error as a `RefusedError` where a broker's refusal is behind it, by the broker's name for it. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RefusedError) return error
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const type: unknown = Reflect.get(cause, 'type')
    const reason = reasons.get(typeof type === 'string' ? type : cause.name)
    if (reason !== undefined) return new RefusedError(error.message, { reason, cause: error })
  }
  return error
}
