import type { LogBatch, LogRecord, Partition } from '../../event-log.ts'
import type { FetchedPartition } from '../protocol/fetch-request.ts'
import type { FaultReporter } from '../fault-reporter.ts'
import { RecordBatchError } from '../kafka-error.ts'
import { RecordSetReader } from '../protocol/record-set-reader.ts'

export interface PartitionCursorOptions {
  readonly partition: Partition
  readonly epoch: string
  /** The next offset to read; `first` until `moveTo` says which that is. */
  readonly start: number | 'first'
  /** Whether a batch tells the start even while there is nothing to read, because the consumer expects another. */
  readonly isStartTold: boolean
  readonly reporter: FaultReporter
}

/** Reads one partition, in one incarnation of its topic: takes what fetches bring, and gives batches. */
export class PartitionCursor {
  readonly partition: Partition
  readonly epoch: string
  readonly #reporter: FaultReporter
  #position: number | undefined
  /** Where the consumer believes this cursor to be. */
  #told: number | undefined
  #stable: number | undefined
  #set: RecordSetReader | undefined
  #leaderEpoch: number | undefined
  #isStartTold: boolean

  constructor({ partition, epoch, start, isStartTold, reporter }: PartitionCursorOptions) {
    this.partition = partition
    this.epoch = epoch
    this.#reporter = reporter
    this.#isStartTold = isStartTold
    if (start !== 'first') this.moveTo(start)
  }

  /** The next offset to fetch; `undefined` while that is not known. */
  get position(): number | undefined {
    return this.#position
  }

  /** The leader's epoch of what was read last before the position; `undefined` where that is not known. */
  get leaderEpoch(): number | undefined {
    return this.#leaderEpoch
  }

  /** The last stable offset that a fetch told; `undefined` before one did. */
  get stable(): number | undefined {
    return this.#stable
  }

  /** Whether `next` has a batch, or something to pass over; nothing may be fetched before. */
  get isWaiting(): boolean {
    return this.#set !== undefined || this.#told !== this.#position
  }

  /** Goes on elsewhere. Where the consumer does not expect that, a batch will tell it. */
  moveTo(offset: number): void {
    if (this.#position === undefined && !this.#isStartTold) this.#told = offset
    if (this.#position !== undefined && offset < this.#position) this.#stable = undefined
    this.#position = offset
    this.#set = undefined
    this.#leaderEpoch = undefined
  }

  /** Takes what was fetched from `position`. */
  take({ records, highWatermark, lastStableOffset, aborted }: FetchedPartition): void {
    if (this.#position === undefined) return
    this.#stable = Math.max(this.#stable ?? 0, lastStableOffset)
    if (records.length === 0) return
    this.#set = new RecordSetReader({ bytes: records, position: this.#position, end: highWatermark, aborted })
  }

  /** The next batch, of at most `maxRecords`; `undefined` when everything that was taken has been given. */
  next(maxRecords: number): LogBatch | undefined {
    const { records, from, to } = this.#read(maxRecords)
    if (from === to) this.#set = undefined
    if (from === to && this.#told === to) return undefined
    this.#told = to
    // The broker reads on after it has looked up the stable end, so the records may reach further.
    const stable = Math.max(this.#stable ?? 0, to)
    return { partition: this.partition, epoch: this.epoch, from, to, stable, records }
  }

  #read(maxRecords: number): { records: readonly LogRecord[]; from: number; to: number } {
    for (;;) {
      const from = this.#position ?? 0
      try {
        const records = this.#set?.next(maxRecords) ?? []
        this.#position = this.#set?.position ?? from
        this.#leaderEpoch = this.#set?.leaderEpoch ?? this.#leaderEpoch
        return { records, from: this.#set?.from ?? from, to: this.#position }
      } catch (error) {
        if (!(error instanceof RecordBatchError)) throw error
        this.#reporter.unreadable(this.partition, error)
        this.#position = error.to
        this.#leaderEpoch = undefined
      }
    }
  }
}
