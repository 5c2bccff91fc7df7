import type { LogBatch, Partition } from '../log/event-log.ts'

export interface ArrivalTimesOptions {
  /** How long ago it can be told what had come by then. */
  readonly keptMs: number
  /** Milliseconds, never set back. */
  readonly steady: () => number
}

/** What a node knows of when the records of a partition came, whatever their timestamps say. */
export interface Arrivals {
  /** Every record from this offset on came within the time that is kept, or since the node began to read the partition. */
  readonly recent: number
  /** The newest timestamp of the records that were read; `undefined` where none had one. */
  readonly newestMs: number | undefined
}

/** Where a partition had been read to at a time. */
interface Mark {
  readonly atMs: number
  readonly offset: number
}

interface PartitionMarks {
  readonly epoch: string
  /** In order, at most one each interval. */
  readonly marks: Mark[]
  latest: Mark
  newestMs: number | undefined
}

/** Marks of a partition at most: a reader may go back a little further than it has to. */
const mostMarks = 64

/**
 * When this node read what. A record's own timestamp is its producer's: a replay sets times of last year, a feed for the public is 15
 * minutes late, a clock is wrong.
 */
export class ArrivalTimes {
  readonly #options: ArrivalTimesOptions
  readonly #partitions = new Map<Partition, PartitionMarks>()

  constructor(options: ArrivalTimesOptions) {
    this.#options = options
  }

  /** States that a batch has come. */
  note({ partition, epoch, from, to, records }: LogBatch): void {
    const { keptMs, steady } = this.#options
    const nowMs = steady()
    const known = this.#partitions.get(partition)
    const isNew = known === undefined || known.epoch !== epoch || from < known.latest.offset
    const latest = { atMs: nowMs, offset: to }
    const partitionMarks = isNew ? { epoch, marks: [], latest, newestMs: undefined } : known
    if (isNew) this.#partitions.set(partition, partitionMarks)
    partitionMarks.latest = latest
    partitionMarks.newestMs = newest(partitionMarks.newestMs, records.at(-1)?.timestampMs ?? 0)
    const marks: Mark[] = partitionMarks.marks
    const last = marks.at(-1)
    if (last !== undefined && nowMs - last.atMs < keptMs / mostMarks) return
    marks.push({ atMs: nowMs, offset: from })
    // The first one says what had come before the time that is kept.
    while ((marks[1]?.atMs ?? Infinity) <= nowMs - keptMs) marks.shift()
  }

  /** How long ago it can be told what had come by then. */
  get keptMs(): number {
    return this.#options.keptMs
  }

  /** What is known of a partition; `undefined` where nothing has come. */
  of(partition: Partition): Arrivals | undefined {
    const known = this.#partitions.get(partition)
    if (known === undefined) return undefined
    const { marks, latest, newestMs } = known
    const sinceMs = this.#options.steady() - this.#options.keptMs
    const mark = latest.atMs <= sinceMs ? latest : (marks.findLast(({ atMs }) => atMs <= sinceMs) ?? marks[0])
    return { recent: mark?.offset ?? latest.offset, newestMs }
  }
}

/** A record without a timestamp has 0, or less. */
function newest(knownMs: number | undefined, timestampMs: number): number | undefined {
  return timestampMs > 0 ? Math.max(knownMs ?? timestampMs, timestampMs) : knownMs
}
