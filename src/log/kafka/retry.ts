import { messageOf, TickerError } from '../../ticker-error.ts'
import { Backoff } from './backoff.ts'
import { KafkaError } from './kafka-error.ts'

export interface RetryOptions {
  readonly signal: AbortSignal
  /** After this time the last failure is final. */
  readonly timeoutMs: number
}

/**
 * Does something again, with pauses, until it succeeds; `work` is told how often it failed. Rejects with its error when that is fatal or the time is
 * over, and with a `KafkaError` when `signal` aborts, without waiting for an attempt that is under way.
 */
export async function retry<Result>(
  work: (failures: number) => Promise<Result>,
  { signal, timeoutMs }: RetryOptions,
): Promise<Result> {
  const backoff = new Backoff()
  const startedAt = performance.now()
  for (let failures = 0; ; failures += 1) {
    try {
      if (signal.aborted) throw abortedError()
      return await unlessAborted(work(failures), signal)
    } catch (thrown) {
      const isFatal = thrown instanceof KafkaError && thrown.severity === 'fatal'
      if (signal.aborted || isFatal || performance.now() - startedAt > timeoutMs) throw errorOf(thrown)
    }
    await backoff.wait(signal)
  }
}

/** The outcome of some work, or a `KafkaError` as soon as `signal` aborts; the work then goes on unheeded. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(abortedError())
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function abortedError(): KafkaError {
  return new KafkaError('given up: the reader or the log was ended', { severity: 'fatal' })
}

function errorOf(thrown: unknown): TickerError {
  return thrown instanceof TickerError ? thrown : new KafkaError(messageOf(thrown), { cause: thrown })
}
