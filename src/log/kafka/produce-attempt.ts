import { AsyncLocalStorage } from 'node:async_hooks'
import Broker from 'kafkajs/src/broker/index.js'

/** What the produce request of one attempt came to, if it was sent and failed. */
interface Attempt {
  failure: unknown
}

const attempts = new AsyncLocalStorage<Attempt>()
let isNoting = false

/**
 * Lets kafkajs try once to append; rejects with what the produce request itself came to, if there was one. After a lost
 * answer kafkajs 2.2.4 looks the cluster up, and when that fails, rejects with that instead: missing rights then look
 * as if what was sent had been refused.
 */
export async function produceAttempt<Result>(send: () => Promise<Result>): Promise<Result> {
  noteFailures()
  const attempt: Attempt = { failure: undefined }
  try {
    return await attempts.run(attempt, send)
  } catch (error) {
    throw attempt.failure ?? error
  }
}

function noteFailures(): void {
  if (isNoting) return
  isNoting = true
  const { produce } = Broker.prototype
  Broker.prototype.produce = async function noting(request) {
    try {
      return await produce.call(this, request)
    } catch (error) {
      const attempt = attempts.getStore()
      if (attempt !== undefined) attempt.failure = error
      throw error
    }
  }
}
