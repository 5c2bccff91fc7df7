import type { Partition } from '../../event-log.ts'

/** How far a partition is written beyond its last stable offset, where readers of committed data stop. */
export interface UnstableEnd {
  readonly partition: Partition
  /** Offsets from the last stable offset to the high watermark: 0 unless a transaction is open. */
  readonly offsets: number
  /** How long the last stable offset has stood still while there were such offsets. */
  readonly stalledMs: number
}

/** One incarnation of a partition, as a reader of it sees it. */
export interface PartitionReader {
  readonly partition: Partition
  readonly epoch: string
}

/** What a broker says of the end of a partition. */
export interface PartitionEnds {
  readonly lastStableOffset: number
  readonly highWatermark: number
}

interface Observation extends PartitionEnds {
  readonly epoch: string
  /** When this last stable offset was first seen before the high watermark; `undefined` while it is not. */
  readonly sinceMs: number | undefined
  readonly seenMs: number
}

/**
 * Watches the last stable offsets of the partitions that are followed, by what fetches tell of them. A partition that
 * nobody hears of is not listed; when it is heard of again, at the same last stable offset, it has stood still all the while.
 */
export class StableEnds {
  readonly #clock: () => number
  readonly #observations = new Map<Partition, Observation>()
  readonly #readers = new Map<Partition, Set<PartitionReader>>()

  /** `clock`: milliseconds, never set back. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Notes what a broker answered a reader. */
  note(reader: PartitionReader, { lastStableOffset, highWatermark }: PartitionEnds): void {
    const { partition, epoch } = reader
    const nowMs = this.#clock()
    const before = this.#observations.get(partition)
    const hasMoved = before?.epoch !== epoch || before.lastStableOffset !== lastStableOffset
    const sinceMs = hasMoved ? nowMs : (before.sinceMs ?? nowMs)
    const isStable = lastStableOffset >= highWatermark
    this.#observations.set(partition, {
      epoch,
      lastStableOffset,
      highWatermark,
      sinceMs: isStable ? undefined : sinceMs,
      seenMs: nowMs,
    })
    const readers = this.#readers.get(partition) ?? new Set()
    this.#readers.set(partition, readers.add(reader))
  }

  /** Notes that a reader hears nothing of its partition for the time being, or will never. */
  leave(reader: PartitionReader): void {
    const readers = this.#readers.get(reader.partition)
    readers?.delete(reader)
    if (readers?.size === 0) this.#readers.delete(reader.partition)
  }

  /** The partitions that are heard of, as of the last answer of each. */
  read(): readonly UnstableEnd[] {
    return [...this.#readers.keys()].flatMap(partition => {
      const observation = this.#observations.get(partition)
      return observation === undefined ? [] : [unstableEnd(partition, observation)]
    })
  }
}

function unstableEnd(partition: Partition, observation: Observation): UnstableEnd {
  const { lastStableOffset, highWatermark, sinceMs, seenMs } = observation
  return {
    partition,
    offsets: Math.max(0, highWatermark - lastStableOffset),
    stalledMs: sinceMs === undefined ? 0 : seenMs - sinceMs,
  }
}
