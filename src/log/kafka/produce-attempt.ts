import { AsyncLocalStorage } from 'node:async_hooks'
import Broker from 'kafkajs/src/broker/index.js'
import { messageOf } from '../../ticker-error.ts'
import { UnsentError } from './kafka-error.ts'

/** What the produce request of one attempt came to, if it was sent and failed. */
interface Attempt {
  isSent: boolean
  failure: unknown
}

/** Answers of a broker that did not even try: it does not lead the partition, or not yet. */
const notAppended = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

function isNotAppended(failure: unknown): boolean {
  const type: unknown = failure instanceof Error ? Reflect.get(failure, 'type') : undefined
  return typeof type === 'string' && notAppended.has(type)
}

const attempts = new AsyncLocalStorage<Attempt>()
let isNoting = false

/**
 * Lets kafkajs try once to append; rejects with what the produce request itself came to, if there was one. After a lost
 * answer kafkajs 2.2.4 looks the cluster up, and when that fails, rejects with that instead: missing rights then look
 * as if what was sent had been refused. An attempt that found no leader, say, and sent nothing, is an `UnsentError`.
 */
export async function produceAttempt<Result>(send: () => Promise<Result>): Promise<Result> {
  noteFailures()
  const attempt: Attempt = { isSent: false, failure: undefined }
  try {
    return await attempts.run(attempt, send)
  } catch (error) {
    if (!attempt.isSent || isNotAppended(attempt.failure))
      throw new UnsentError(messageOf(error), { cause: error })
    throw attempt.failure ?? error
  }
}

function noteFailures(): void {
  if (isNoting) return
  isNoting = true
  const { produce } = Broker.prototype
  Broker.prototype.produce = async function noting(request) {
    const attempt = attempts.getStore()
    if (attempt !== undefined) attempt.isSent = true
    try {
      return await produce.call(this, request)
    } catch (error) {
      if (attempt !== undefined) attempt.failure = error
      throw error
    }
  }
}
