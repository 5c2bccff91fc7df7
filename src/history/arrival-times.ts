import type { LogBatch, Partition } from '../log/event-log.ts'
import type { Clock } from '../system/clock.ts'

export interface ArrivalTimesOptions {
  /** How far back it is known what had arrived. */
  readonly keptMs: number
  readonly clock: Clock
}

/** When the records of a partition arrived at this node, whatever their timestamps say. */
export interface Arrivals {
  /**
   * Every record from this offset on arrived within `keptMs`, or since the node began to read the partition.
   */
  readonly recent: number
  /** The newest timestamp of the records read; `undefined` if none had one. */
  readonly newestMs: number | undefined
}

/** How far a partition had been read at a time. */
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

/** Marks of a partition at most. With fewer, a reader may go back a little further than it is allowed to. */
const maxMarks = 64

/**
 * When this node read which offsets. A record's timestamp is its producer's: a replay sets times of last
 * year, a feed for the public is 15 minutes late, a clock is wrong.
 */
export class ArrivalTimes {
  readonly #options: ArrivalTimesOptions
  readonly #partitions = new Map<Partition, PartitionMarks>()

  constructor(options: ArrivalTimesOptions) {
    this.#options = options
  }

  /** States that a batch has arrived. */
  note({ partition, epoch, from, to, records }: LogBatch): void {
    const { keptMs, clock } = this.#options
    const nowMs = clock.steady()
    const known = this.#partitions.get(partition)
    const isNew = known === undefined || known.epoch !== epoch || from < known.latest.offset
    const latest = { atMs: nowMs, offset: to }
    const partitionMarks = isNew ? { epoch, marks: [], latest, newestMs: undefined } : known
    if (isNew) this.#partitions.set(partition, partitionMarks)
    partitionMarks.latest = latest
    partitionMarks.newestMs = newest(partitionMarks.newestMs, records.at(-1)?.timestampMs ?? 0)
    const marks: Mark[] = partitionMarks.marks
    const last = marks.at(-1)
    if (last !== undefined && nowMs - last.atMs < keptMs / maxMarks) return
    marks.push({ atMs: nowMs, offset: from })
    // The first mark says what had arrived before `keptMs` ago.
    while ((marks[1]?.atMs ?? Infinity) <= nowMs - keptMs) marks.shift()
  }

  /** How far back it is known what had arrived. */
  get keptMs(): number {
    return this.#options.keptMs
  }

  /** Returns what is known of a partition; `undefined` before its first batch. */
  of(partition: Partition): Arrivals | undefined {
    const known = this.#partitions.get(partition)
    if (known === undefined) return undefined
    const { marks, latest, newestMs } = known
    const sinceMs = this.#options.clock.steady() - this.#options.keptMs
    const mark = latest.atMs <= sinceMs ? latest : (marks.findLast(({ atMs }) => atMs <= sinceMs) ?? marks[0])
    return { recent: mark?.offset ?? latest.offset, newestMs }
  }
}

/** A record without a timestamp has 0, or less. */
function newest(knownMs: number | undefined, timestampMs: number): number | undefined {
  return timestampMs > 0 ? Math.max(knownMs ?? timestampMs, timestampMs) : knownMs
}
