import type { PartitionCursor } from './partition-cursor.ts'

/** A broker answers a long poll within half a second; a leader is elected within some. */
const silentAfterMs = 5000

/** The partitions that tails follow, and when a broker last answered for each. */
export class SilentPartitions {
  readonly #clock: () => number
  readonly #heardMs = new Map<PartitionCursor, number>()

  /** `clock`: milliseconds, never set back. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A tail follows it from now on. */
  follow(cursor: PartitionCursor): void {
    this.#heardMs.set(cursor, this.#clock())
  }

  /** A broker answered for it. */
  heard(cursor: PartitionCursor): void {
    if (this.#heardMs.has(cursor)) this.#heardMs.set(cursor, this.#clock())
  }

  /** No tail follows it any more. */
  leave(cursor: PartitionCursor): void {
    this.#heardMs.delete(cursor)
  }

  /** Since when the partition that has been silent longest has been; `undefined` while every one is heard of. */
  get sinceMs(): number | undefined {
    let oldestMs = this.#clock()
    const silentMs = oldestMs - silentAfterMs
    // What was answered and is not taken yet is not the broker's to answer again.
    for (const [cursor, ms] of this.#heardMs) if (!cursor.isWaiting) oldestMs = Math.min(oldestMs, ms)
    return oldestMs < silentMs ? oldestMs : undefined
  }
}
