import { setImmediate } from 'node:timers/promises'
import type { LogBatch } from '../../event-log.ts'
import type { PartitionCursor } from './partition-cursor.ts'
import { PartitionFollower, type PartitionFollowerOptions } from './partition-follower.ts'
import { WakeSignal } from '../../wake-signal.ts'

/** The records of one array. */
const sliceRecords = 1000

/** Follows every partition until `signal` aborts, and yields the records of all of them in slices. */
export async function* readTail(
  options: Omit<PartitionFollowerOptions, 'onFetched'>,
): AsyncGenerator<readonly LogBatch[], void> {
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const fetched = new FetchedCursors()
  const follower = new PartitionFollower({ ...options, signal, onFetched: cursors => fetched.add(cursors) })
  const running = follower.run()
  running.catch(() => ending.abort())
  const wake = () => fetched.wakeUp()
  signal.addEventListener('abort', wake, { once: true })
  try {
    while (!signal.aborted) {
      const batches = fetched.nextSlice(follower)
      if (batches.length > 0) yield batches
      // Slices of one response follow each other at once, but sockets and timers get a turn between them.
      await (fetched.isEmpty ? fetched.wait() : setImmediate())
    }
  } finally {
    signal.removeEventListener('abort', wake)
    ending.abort()
    await running
  }
}

/** The cursors that hold fetched records, in the order in which these arrived. */
class FetchedCursors {
  readonly #cursors: PartitionCursor[] = []
  readonly #wakeSignal = new WakeSignal()

  get isEmpty(): boolean {
    return this.#cursors.length === 0
  }

  add(cursors: readonly PartitionCursor[]): void {
    this.#cursors.push(...cursors)
    this.#wakeSignal.notify()
  }

  /** Ends a `wait`. */
  wakeUp(): void {
    this.#wakeSignal.notify()
  }

  async wait(): Promise<void> {
    await this.#wakeSignal.wait()
  }

  /** The next slice. Lets readers fetch again when their cursors are empty. */
  nextSlice(follower: PartitionFollower): LogBatch[] {
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
