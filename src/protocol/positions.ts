import type { Partition } from '../event/log-record.ts'

/** The next position of a partition, as a client brings it back. */
export interface CursorPosition {
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** The next position of a partition, and the number that stands for the partition in frames. */
export interface PartitionPosition {
  readonly partition: Partition
  readonly epoch: string
  readonly offset: number
  readonly number: number
}

/** Offsets `[from, to)` of a partition. */
export interface OffsetRange {
  /** Of the partition. */
  readonly number: number
  readonly from: number
  readonly to: number
}

/** The next position of partitions, by their numbers. */
export type MovedPositions = readonly (readonly [number: number, position: number])[]
