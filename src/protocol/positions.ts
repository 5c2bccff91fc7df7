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

/** The radix of positions in texts: those of 5,000 partitions usually take 35 kB, and at most 60 kB. */
const radix = 36
const longestPosition = Number.MAX_SAFE_INTEGER.toString(radix).length

/** Returns a position as cursors, runs and event ids have it. */
export function writePosition(position: number): string {
  return position.toString(radix)
}

/**
 * Reads positions with commas between; one is `undefined` where it is left out. Returns `undefined` for any
 * other text.
 */
export function parsePositions(text: string): readonly (number | undefined)[] | undefined {
  const positions: (number | undefined)[] = []
  for (const digits of text.split(',')) {
    const position = digits === '' ? undefined : Number.parseInt(digits, radix)
    const isValid = digits.length <= longestPosition && /^[0-9a-z]*$/.test(digits)
    if (!isValid || (position !== undefined && !Number.isSafeInteger(position))) return undefined
    positions.push(position)
  }
  return positions
}
