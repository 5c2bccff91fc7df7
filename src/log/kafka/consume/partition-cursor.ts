import type { LogBatch, LogRecord, Partition } from '../../event-log.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { RecordBatchError } from '../kafka-error.ts'
import type { FetchedPartition } from '../protocol/fetch-request.ts'
import { RecordSetReader } from '../protocol/record-set-reader.ts'

export interface PartitionCursorOptions {
  readonly partition: Partition
  readonly epoch: string
  /** The next offset to read; `first` if `moveTo` will say which that is. */
  readonly start: number | 'first'
  /** Whether the first batch comes even if empty, because the consumer expects another start. */
  readonly announcesStart: boolean
  readonly reporter: FaultReporter
}

/** Reads one partition, in one incarnation of its topic: accepts fetched bytes, and returns batches. */
export class PartitionCursor {
  readonly partition: Partition
  readonly epoch: string
  readonly #reporter: FaultReporter
  #position: number | undefined
  /** The position that the consumer knows of. */
  #announced: number | undefined
  #stable: number | undefined
  #records: RecordSetReader | undefined
  #leaderEpoch: number | undefined
  #announcesStart: boolean

  constructor({ partition, epoch, start, announcesStart, reporter }: PartitionCursorOptions) {
    this.partition = partition
    this.epoch = epoch
    this.#reporter = reporter
    this.#announcesStart = announcesStart
    if (start !== 'first') this.moveTo(start)
  }

  /** The next offset to fetch; `undefined` while that is not known. */
  get position(): number | undefined {
    return this.#position
  }

  /** The leader's epoch of the last batch before the position; `undefined` if that is not known. */
  get leaderEpoch(): number | undefined {
    return this.#leaderEpoch
  }

  /** The last stable offset, as last fetched; `undefined` before the first fetch. */
  get stable(): number | undefined {
    return this.#stable
  }

  /** Whether `next` has a batch to return, or one to skip. Until it has neither, nothing may be fetched. */
  get hasBatch(): boolean {
    return this.#records !== undefined || this.#announced !== this.#position
  }

  /** Moves elsewhere. Unless the consumer expects that, a batch will announce it. */
  moveTo(offset: number): void {
    if (this.#position === undefined && !this.#announcesStart) this.#announced = offset
    if (this.#position !== undefined && offset < this.#position) this.#stable = undefined
    this.#position = offset
    this.#records = undefined
    this.#leaderEpoch = undefined
  }

  /** Accepts the bytes that were fetched from `position`. */
  accept({ records, highWatermark, lastStableOffset, aborted }: FetchedPartition): void {
    if (this.#position === undefined) return
    this.#stable = Math.max(this.#stable ?? 0, lastStableOffset)
    if (records.length === 0) return
    const set = { bytes: records, position: this.#position, end: highWatermark, aborted }
    this.#records = new RecordSetReader(set)
  }

  /** The next batch, of at most `maxRecords`; `undefined` when everything accepted was returned. */
  next(maxRecords: number): LogBatch | undefined {
    const { records, from, to } = this.#read(maxRecords)
    if (from === to) this.#records = undefined
    if (from === to && this.#announced === to) return undefined
    this.#announced = to
    // The broker looks up the stable end before it reads, so the records may reach further.
    const stable = Math.max(this.#stable ?? 0, to)
    return { partition: this.partition, epoch: this.epoch, from, to, stable, records }
  }

  #read(maxRecords: number): { records: readonly LogRecord[]; from: number; to: number } {
    for (;;) {
      const from = this.#position ?? 0
      try {
        const records = this.#records?.next(maxRecords) ?? []
        this.#position = this.#records?.position ?? from
        this.#leaderEpoch = this.#records?.leaderEpoch ?? this.#leaderEpoch
        return { records, from: this.#records?.from ?? from, to: this.#position }
      } catch (error) {
        if (!(error instanceof RecordBatchError)) throw error
        this.#reporter.unreadable(this.partition, error)
        this.#position = error.to
        this.#leaderEpoch = undefined
      }
    }
  }
}
