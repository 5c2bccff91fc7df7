/** At this time the partition ended there, so everything before `end` had been written. */
interface Mark {
  readonly atMs: number
  readonly end: number
}

export interface WrittenTimesOptions {
  /** Times closer together than this may be taken for one, the later of them. */
  readonly resolutionMs: number
  /** Times longer ago than this need not be told apart. */
  readonly keptMs: number
}

/**
 * When the records of a partition can have been written at the latest, whatever their timestamps say: a
 * record was in the log when the log was first seen to reach beyond it. Times are on the steady clock. Keeps
 * about `keptMs / resolutionMs` numbers.
 */
export class WrittenTimes {
  readonly #options: WrittenTimesOptions
  /** In order of time, and of end. */
  #marks: Mark[] = []
  #longAgo = 0
  #undatedEnd = 0

  constructor(options: WrittenTimesOptions) {
    this.#options = options
  }

  /** The offset before which everything was written longer than `keptMs` ago. */
  get longAgo(): number {
    return this.#longAgo
  }

  /** States that a record without a timestamp before `end` counts as written long ago. */
  noteUndatedEnd(end: number): void {
    this.#undatedEnd = end
  }

  /** States that the log is seen to reach up to `end`. */
  note(end: number, nowMs: number): void {
    const { resolutionMs, keptMs } = this.#options
    const marks = this.#marks
    if (end > (marks.at(-1)?.end ?? this.#longAgo)) {
      const before = marks.at(-2)
      if (before !== undefined && nowMs - before.atMs < resolutionMs) marks.pop()
      marks.push({ atMs: nowMs, end })
    }
    while (marks[0] !== undefined && nowMs - marks[0].atMs > keptMs) {
      this.#longAgo = marks[0].end
      marks.shift()
    }
  }

  /** When the record at an offset was first known to be written; `Infinity` if it is not known to be. */
  before(offset: number): number {
    if (offset < this.#longAgo) return Number.NEGATIVE_INFINITY
    return this.#marks.find(({ end }) => offset < end)?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** The same for a record without a timestamp. */
  beforeUndated(offset: number): number {
    return offset < this.#undatedEnd ? Number.NEGATIVE_INFINITY : this.before(offset)
  }

  /** The partition was cut back to `end`. */
  cutBack(end: number): void {
    this.#marks = this.#marks.filter(mark => mark.end <= end)
    this.#longAgo = Math.min(this.#longAgo, end)
    this.#undatedEnd = Math.min(this.#undatedEnd, end)
  }
}
