import { setTimeout } from 'node:timers/promises'
import { type Clock, systemClock } from '../../system/clock.ts'
import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'
import { KafkaError } from './kafka-error.ts'

const firstPauseMs = 250
const longestPauseMs = 4000

export interface RetryOptions {
  readonly signal: AbortSignal
  /** When this time is over, the next failure is final. No limit if left out. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

/**
 * Repeats some work, with pauses, until it succeeds. `work` is told how often it has failed. Rejects with its
 * error when that is fatal or the time is over. Rejects with a `KafkaError` when `signal` aborts, without
 * waiting for the attempt that is under way.
 */
export async function retry<Result>(
  work: (failures: number) => Promise<Result>,
  { signal, timeoutMs = Number.POSITIVE_INFINITY, clock = systemClock }: RetryOptions,
): Promise<Result> {
  const backoff = new RetryBackoff()
  const startedMs = clock.steady()
  for (let failures = 0; ; failures += 1) {
    try {
      if (signal.aborted) throw abortedError()
      return await unlessAborted(work(failures), signal)
    } catch (thrown) {
      const isFatal = thrown instanceof KafkaError && thrown.severity === 'fatal'
      if (signal.aborted || isFatal || clock.steady() - startedMs > timeoutMs) throw errorOf(thrown)
    }
    await backoff.wait(signal)
  }
}

/** Pauses between attempts: none before the second, then 250 ms, then twice as long each time, up to 4 s. */
export class RetryBackoff {
  readonly #random: () => number
  #pauseMs = 0

  /** `random` gives numbers in [0, 1). It shortens pauses by up to a quarter, to keep nodes out of step. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Starts again without a pause, after a success. */
  reset(): void {
    this.#pauseMs = 0
  }

  /** The length of the next pause, in milliseconds. */
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

/** The outcome of some work, or a `KafkaError` as soon as `signal` aborts. The work itself continues. */
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
