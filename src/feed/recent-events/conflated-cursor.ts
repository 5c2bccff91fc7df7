import { type FilterWalk, notWalked } from './filter-walk.ts'

/** The entries `[begin, end)`, whose items' events before `offset` are settled. */
export interface EntryRange {
  readonly begin: number
  readonly end: number
  readonly offset: number
}

/** A read that ended in the midst of an item's events. */
interface EntryWalk {
  readonly entry: number
  readonly walk: FilterWalk
}

/**
 * How far a conflated reader is in one window. It reads the newest event of each item, entry after entry,
 * round after round. Entries that were read together have the same offset: after a complete read there is one
 * range of all entries, otherwise one for each read of a round.
 */
export class ConflatedCursor {
  /** Where each range begins; it ends where the next one begins. */
  readonly #begins: number[] = [0]
  readonly #offsets: number[]
  /** The range that is read next. */
  #next = 0
  /** Of the first item of the next range, if a read ended in the midst of its events. */
  #walked: EntryWalk | undefined

  /** Everything before the offset is settled. */
  constructor(offset: number) {
    this.#offsets = [offset]
  }

  /** The number of ranges. */
  get ranges(): number {
    return this.#begins.length
  }

  /** The offset before which everything is settled. */
  get lowest(): number {
    return Math.min(...this.#offsets)
  }

  get highest(): number {
    return Math.max(...this.#offsets)
  }

  /** The range that is read next. */
  get next(): EntryRange {
    return {
      begin: this.#begins[this.#next] ?? 0,
      end: this.#begins[this.#next + 1] ?? Infinity,
      offset: this.#offsets[this.#next] ?? 0,
    }
  }

  /**
   * Settles the next range up to the entry `end` and before `offset`. The rest of it, or else the range after
   * it, becomes the next.
   */
  settle(end: number, offset: number): void {
    const range = this.next
    if (end <= range.begin) return
    if (this.#walked !== undefined && this.#walked.entry < end) this.#walked = undefined
    if (end < range.end) {
      this.#begins.splice(this.#next + 1, 0, end)
      this.#offsets.splice(this.#next + 1, 0, range.offset)
    }
    this.#offsets[this.#next] = offset
    if (this.#next > 0 && this.#offsets[this.#next - 1] === offset) {
      this.#begins.splice(this.#next, 1)
      this.#offsets.splice(this.#next, 1)
    } else {
      this.#next++
    }
    if (this.#next >= this.#begins.length) this.#next = 0
  }

  /** Returns how far the events of an entry's item were looked at, since the offset of the range. */
  walkOf(entry: number): FilterWalk {
    return this.#walked?.entry === entry ? this.#walked.walk : notWalked
  }

  /** Has the next read go on in the midst of the events of the entry's item. */
  keepWalk(entry: number, walk: FilterWalk): void {
    this.#walked = { entry, walk }
  }

  /** Has the next read look at all events again: there is another filter. */
  forgetWalk(): void {
    this.#walked = undefined
  }

  /** Settles everything before an offset: it was read, or is lost. */
  raise(offset: number): void {
    this.#walked = undefined
    for (const [range, reached] of this.#offsets.entries())
      if (reached < offset) this.#offsets[range] = offset
  }
}
