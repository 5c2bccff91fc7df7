/** Slots `[begin, end)`, whose items' events before `offset` are settled. */
export interface SlotRange {
  readonly begin: number
  readonly end: number
  readonly offset: number
}

/**
 * How far a conflating reader is in one window. It gets the newest event of each item, slot after slot, round
 * after round; what was read in one go has the same offset, so once a read was complete there is one offset
 * for all, and otherwise one for each read of a round.
 */
export class ConflatedCursor {
  /** Where each run begins; it ends where the next one begins. */
  readonly #begins: number[] = [0]
  readonly #offsets: number[]
  /** The run that is read next. */
  #next = 0

  /** Everything before the offset is settled. */
  constructor(offset: number) {
    this.#offsets = [offset]
  }

  /** How many runs differ. */
  get runs(): number {
    return this.#begins.length
  }

  /** Everything before it is settled. */
  get lowest(): number {
    return Math.min(...this.#offsets)
  }

  get highest(): number {
    return Math.max(...this.#offsets)
  }

  /** The run that is read next. */
  get next(): SlotRange {
    return {
      begin: this.#begins[this.#next] ?? 0,
      end: this.#begins[this.#next + 1] ?? Infinity,
      offset: this.#offsets[this.#next] ?? 0,
    }
  }

  /**
   * The next run is settled up to the slot `end` and before `offset`; what is left of it, or the one after
   * it, is the next.
   */
  settle(end: number, offset: number): void {
    const run = this.next
    if (end <= run.begin) return
    if (end < run.end) {
      this.#begins.splice(this.#next + 1, 0, end)
      this.#offsets.splice(this.#next + 1, 0, run.offset)
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

  /** Everything before the offset is settled, or lost. */
  raise(offset: number): void {
    for (const [run, reached] of this.#offsets.entries()) if (reached < offset) this.#offsets[run] = offset
  }
}
