import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { EventLog, LogBatch, Position } from '../../../src/log/event-log.ts'
import { bound } from '../conformance/reading.ts'

/** Follows a log; several steps of a test can each wait for what they expect. */
export class TailReading {
  readonly batches: LogBatch[] = []
  readonly #iterator: AsyncIterator<readonly LogBatch[], unknown>
  readonly #ending = new AbortController()

  /** What is not there in ten seconds fails the test. */
  constructor(log: EventLog, from: readonly Position[] = []) {
    const signal = AbortSignal.any([bound(), this.#ending.signal])
    this.#iterator = log.tail(from, signal)[Symbol.asyncIterator]()
  }

  /** Reads until a condition holds. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      const { done, value } = await this.#iterator.next()
      assert.ok(
        done !== true,
        `the tail ended, or too much time went by, after ${this.batches.length} batches`,
      )
      this.batches.push(...value)
    }
  }

  /** The offsets that came of one partition. */
  offsets(topic: string, partition = 0): number[] {
    return this.of(topic, partition).flatMap(({ records }) => records.map(({ offset }) => offset))
  }

  /** The batches that came of one partition. */
  of(topic: string, partition = 0): LogBatch[] {
    return this.batches.filter(
      batch => batch.partition.topic === topic && batch.partition.partition === partition,
    )
  }

  async end(): Promise<void> {
    this.#ending.abort()
    while ((await this.#iterator.next()).done !== true);
  }
}

/** The numbers from `from` on, before `to`. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

/** Waits, without sleeping, for what happens elsewhere; ten seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, 'what was waited for did not happen')
    await setImmediate()
  }
}
