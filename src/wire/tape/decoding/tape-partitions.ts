import { TapeError } from './tape-reader.ts'

/** A range `[from, to)` of a partition that a frame covers. */
export interface TapeRange {
  /** The number of the partition, as in the acknowledgement. */
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** A decoder's state of a partition. */
export interface TapePartition {
  readonly number: number
  /** Where the last range ended; `undefined` before the first. */
  reached: number | undefined
  /** The last frame in which it occurred. */
  frame: number
  /** The number of its events in that frame, with those that they replace. */
  events: number
  /** Whether that frame states its range. */
  isStated: boolean
}

/** The partitions of a connection, and the ranges that each frame covers. */
export class TapePartitions {
  readonly #limit: number
  readonly #byNumber = new Map<number, TapePartition>()
  /** The partitions that occur in the frame under way, in the order of their first records. */
  readonly #met: TapePartition[] = []
  #ranges: TapeRange[] = []
  #frame = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  begin(): void {
    this.#frame++
    this.#met.length = 0
    this.#ranges = []
  }

  find(number: number): TapePartition {
    const known = this.#byNumber.get(number)
    if (known !== undefined) return known
    if (this.#byNumber.size >= this.#limit) {
      throw new TapeError(`more than ${this.#limit} partitions in one connection`)
    }
    const made = { number, reached: undefined, frame: 0, events: 0, isStated: false }
    this.#byNumber.set(number, made)
    return made
  }

  /** Counts an event of a partition, with what it replaces. */
  count(partition: TapePartition, events: number): void {
    if (partition.frame !== this.#frame) this.#meet(partition)
    partition.events += events
  }

  /** Takes a stated range. */
  state(partition: TapePartition, from: number, length: number): void {
    if (partition.frame !== this.#frame) this.#meet(partition)
    if (partition.isStated) throw new TapeError(`partition ${partition.number} has two ranges in one frame`)
    partition.isStated = true
    this.#cover(partition, from, length)
  }

  /** The stated ranges of the frame: all of them, if the frame implies none. */
  get stated(): readonly TapeRange[] {
    return this.#ranges
  }

  /**
   * Ends the frame, and returns the ranges that it covers. An implied range is as long as it has events, or
   * as `lengths` says. The starts of the implied ranges must add up to `check`, modulo `end`.
   */
  end(check: number, end: number, lengths: readonly number[] | undefined): readonly TapeRange[] {
    let sum = 0
    let place = 0
    for (const partition of this.#met) {
      if (partition.isStated) continue
      const { reached, number, events } = partition
      const length = lengths === undefined ? events : lengths[place++]
      if (reached === undefined) throw new TapeError(`partition ${number} has no earlier range`)
      if (length === undefined) throw new TapeError(`partition ${number} has no length`)
      sum = (sum + (reached % end)) % end
      this.#cover(partition, reached, length)
    }
    if (lengths !== undefined && place < lengths.length)
      throw new TapeError('there are more lengths than implied ranges')
    if (sum !== check)
      throw new TapeError(`the ranges begin elsewhere: their check is ${sum}, expected ${check}`)
    return this.#ranges
  }

  #meet(partition: TapePartition): void {
    partition.frame = this.#frame
    partition.events = 0
    partition.isStated = false
    this.#met.push(partition)
  }

  #cover(partition: TapePartition, from: number, length: number): void {
    const to = from + length
    if (to > Number.MAX_SAFE_INTEGER) throw new TapeError(`a range ends at ${to}, above 2^53 - 1`)
    partition.reached = to
    if (length > 0) this.#ranges.push({ partition: partition.number, from, to })
  }
}
