import { type Clock, systemClock } from '../../../system/clock.ts'
import type { Partition } from '../../event-log.ts'

/** How far a partition is written beyond its last stable offset, where readers of committed data stop. */
export interface UnstableEnd {
  readonly partition: Partition
  /** The offsets from the last stable offset to the high watermark: 0 unless a transaction is open. */
  readonly offsets: number
  /** How long the last stable offset has stood still before the high watermark. */
  readonly stalledMs: number
}

/** One incarnation of a partition, as one reader sees it. */
export interface PartitionReader {
  readonly partition: Partition
  readonly epoch: string
}

/** The end of a partition in a broker's answer. */
export interface PartitionEnds {
  readonly lastStableOffset: number
  readonly highWatermark: number
}

interface Observation extends PartitionEnds {
  readonly epoch: string
  /** When this last stable offset was first seen before the high watermark; `undefined` if they are equal. */
  readonly sinceMs: number | undefined
  readonly seenMs: number
}

/**
 * Watches the last stable offsets of the partitions that are followed, in the answers to fetches. Does not
 * list a partition while no reader gets answers for it. If it comes back at the same last stable offset, that
 * has stood still all the time.
 */
export class StableEnds {
  readonly #clock: Clock
  readonly #observations = new Map<Partition, Observation>()
  readonly #readers = new Map<Partition, Set<PartitionReader>>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Records a broker's answer to a reader. */
  observe(reader: PartitionReader, { lastStableOffset, highWatermark }: PartitionEnds): void {
    const { partition, epoch } = reader
    const nowMs = this.#clock.steady()
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

  /** A reader gets no answers for its partition, for now or for good. */
  leave(reader: PartitionReader): void {
    const readers = this.#readers.get(reader.partition)
    readers?.delete(reader)
    if (readers?.size === 0) this.#readers.delete(reader.partition)
  }

  /** The partitions that readers get answers for, as of the last answer for each. */
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
