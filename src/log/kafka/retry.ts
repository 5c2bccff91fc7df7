import { setTimeout } from 'node:timers/promises'
import { TickerError, messageOf } from '../../diagnostics/ticker-error.ts'
import { KafkaError } from './kafka-error.ts'

const firstPauseMs = 250
const longestPauseMs = 4000

/** Pauses between attempts: none before the second one, then 250 ms, and twice as long each time up to 4 s. */
export class RetryBackoff {
  readonly #random: () => number
  #pauseMs = 0

  /** `random` gives numbers in [0, 1): pauses vary by a quarter, so that nodes do not come back in step. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Begins again, after a success. */
  reset(): void {
    this.#pauseMs = 0
  }

  /** Milliseconds of the next pause. */
  next(): number {
    const pauseMs = this.#pauseMs * (0.75 + 0.25 * this.#random())
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), longestPauseMs)
    return pauseMs
  }

  /** Resolves when the next pause is over, or when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const pauseMs = this.next()
    if (signal.aborted || pauseMs === 0) return
    await setTimeout(pauseMs, undefined, { signal }).catch(() => {})
  }
}

interface RetryOptions {
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
  const backoff = new RetryBackoff()
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
