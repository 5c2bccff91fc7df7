import { denseFrame, endOfDenseCheck, endOfSparseCheck, recordKinds } from '../tape-layout.ts'
import type { TapeWriter } from './tape-writer.ts'

/**
 * The ranges that a frame covers, in the order of the partitions' first events; those of partitions without
 * events come last.
 */
export interface FrameRanges {
  readonly count: number
  /** The numbers of the partitions, and where their ranges begin and end. */
  readonly numbers: ArrayLike<number>
  readonly from: ArrayLike<number>
  readonly to: ArrayLike<number>
  /**
   * How many events of the partition the frame has, with those that they replace; 0 if the range is to be
   * stated.
   */
  readonly events: ArrayLike<number>
}

/**
 * Writes what comes before the records of a frame (PROTOCOL.md §10). The receivers must know where each range
 * with events begins.
 */
export function writeFrameHead(ranges: FrameRanges, out: TapeWriter): void {
  const { count, from, to, events } = ranges
  let isDense = true
  let implied = 0
  let sum = 0
  for (let place = 0; place < count; place++) {
    const found = events[place] ?? 0
    if (found === 0) continue
    implied++
    const begin = from[place] ?? 0
    sum = (sum + (begin % endOfDenseCheck)) % endOfDenseCheck
    if ((to[place] ?? 0) - begin !== found) isDense = false
  }
  if (isDense) {
    out.byte(denseFrame + sum)
    return
  }
  out.byte(sum % endOfSparseCheck)
  for (let place = 0; place < count; place++) {
    if ((events[place] ?? 0) === 0) continue
    implied--
    out.number(((to[place] ?? 0) - (from[place] ?? 0)) * 2 + (implied > 0 ? 1 : 0))
  }
}

/** Writes what comes after the records of a frame: the ranges that are stated. */
export function writeFrameTail({ count, numbers, from, to, events }: FrameRanges, out: TapeWriter): void {
  for (let place = 0; place < count; place++) {
    if ((events[place] ?? 0) > 0) continue
    const begin = from[place] ?? 0
    writeCovers({ partition: numbers[place] ?? 0, from: begin, to: to[place] ?? 0 }, out)
  }
}

/** States a range. An empty one states where the partition's next range begins. */
export function writeCovers(
  { partition, from, to }: { readonly partition: number; readonly from: number; readonly to: number },
  out: TapeWriter,
): void {
  out.number(recordKinds.covers)
  out.number(partition)
  out.number(from)
  out.number(to - from)
}

/** Writes how many earlier events of its item the next event replaces; nothing for 0. */
export function writeReplaced(count: number, out: TapeWriter): void {
  if (count === 0) return
  out.number(recordKinds.replaced)
  out.number(count)
}
