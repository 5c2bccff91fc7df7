import { setImmediate } from 'node:timers/promises'
import type { LogBatch } from '../../event-log.ts'
import { WakeSignal } from './wake-signal.ts'
import type { PartitionCursor } from './partition-cursor.ts'
import { type PartitionFollowerOptions, PartitionFollower } from './partition-follower.ts'

/** Records of one array. */
const sliceRecords = 1000

/** Follows every partition until `signal` aborts: what its readers have waiting, merged, in slices. */
export async function* readTail(
  options: Omit<PartitionFollowerOptions, 'onFetched'>,
): AsyncGenerator<readonly LogBatch[], void> {
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const waiting = new Waiting()
  const follower = new PartitionFollower({ ...options, signal, onFetched: cursors => waiting.add(cursors) })
  const running = follower.run()
  running.catch(() => ending.abort())
  const end = () => waiting.end()
  signal.addEventListener('abort', end, { once: true })
  try {
    while (!signal.aborted) {
      const batches = waiting.take(follower)
      if (batches.length > 0) yield batches
      // Slices of one response follow each other at once: sockets and timers have their turn in between.
      await (waiting.isEmpty ? waiting.wait() : setImmediate())
    }
  } finally {
    signal.removeEventListener('abort', end)
    ending.abort()
    await running
  }
}

/** The cursors that have something for the consumer, in the order in which it came. */
class Waiting {
  readonly #cursors: PartitionCursor[] = []
  readonly #wakeSignal = new WakeSignal()

  get isEmpty(): boolean {
    return this.#cursors.length === 0
  }

  add(cursors: readonly PartitionCursor[]): void {
    this.#cursors.push(...cursors)
    this.#wakeSignal.notify()
  }

  end(): void {
    this.#wakeSignal.notify()
  }

  async wait(): Promise<void> {
    await this.#wakeSignal.wait()
  }

  /** The next slice. Lets the readers fetch again that have nothing waiting any more. */
  take(follower: PartitionFollower): LogBatch[] {
    const batches: LogBatch[] = []
    let room = sliceRecords
    while (room > 0) {
      const cursor = this.#cursors[0]
      if (cursor === undefined) break
      const batch = follower.isCurrent(cursor) ? cursor.next(room) : undefined
      if (batch === undefined) {
        this.#cursors.shift()
        follower.wake()
      } else {
        batches.push(batch)
        room -= batch.records.length
      }
    }
    return batches
  }
}
