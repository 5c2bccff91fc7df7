import { type Clock, systemClock } from '../../../system/clock.ts'
import type { PartitionCursor } from './partition-cursor.ts'

/** A broker answers a long poll within half a second. Electing a leader may take longer. */
const silentAfterMs = 5000

/** The partitions that tails follow, and when a broker last answered for each. */
export class SilentPartitions {
  readonly #clock: Clock
  readonly #answeredMs = new Map<PartitionCursor, number>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  follow(cursor: PartitionCursor): void {
    this.#answeredMs.set(cursor, this.#clock.steady())
  }

  /** A broker answered for the partition. */
  answered(cursor: PartitionCursor): void {
    if (this.#answeredMs.has(cursor)) this.#answeredMs.set(cursor, this.#clock.steady())
  }

  unfollow(cursor: PartitionCursor): void {
    this.#answeredMs.delete(cursor)
  }

  /** Since when the longest silent partition has been silent, on the steady clock; `undefined` if none is. */
  get sinceMs(): number | undefined {
    const nowMs = this.#clock.steady()
    let oldestMs = nowMs
    // While an answer waits for the consumer, the broker is not asked again.
    for (const [cursor, ms] of this.#answeredMs) if (!cursor.hasBatch) oldestMs = Math.min(oldestMs, ms)
    return oldestMs < nowMs - silentAfterMs ? oldestMs : undefined
  }
}
