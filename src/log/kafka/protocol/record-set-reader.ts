import { messageOf } from '../../../diagnostics/ticker-error.ts'
import type { LogRecord } from '../../event-log.ts'
import { MalformedError, RecordBatchError } from '../kafka-error.ts'
import { BatchRecords } from './batch-records.ts'
import { type Frame, type RecordBatch, claimedEnds, frameAt, readRecordBatch } from './record-batch.ts'

/** What a fetch brought of one partition. */
export interface RecordSet {
  readonly bytes: Buffer
  /** The offset that was asked for; the set may begin before it, in the middle of a batch. */
  readonly position: number
  /** The end of the log as the response tells it: how far a corrupt header may be believed. */
  readonly end: number
  readonly aborted: readonly AbortedTransaction[]
}

/** Unpacked bytes of one compressed batch, unless the caller says otherwise. */
const defaultMaxUnpackedBytes = 32 * 1024 * 1024

/**
 * Reads a record set synchronously, in slices, so that a batch of 200,000 records need not block the event
 * loop. Passes over control records, aborted transactions and records before the position; tells where
 * compaction has removed records. An incomplete last batch ends the set. What cannot be read is a
 * `RecordBatchError`, thrown once, in its place, after which reading goes on behind it.
 */
export class RecordSetReader {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #aborted: AbortedTransactions
  readonly #maxUnpackedBytes: number
  /** Index of the next batch. */
  #at = 0
  #from: number
  #position: number
  /** A record that was read, but comes behind offsets that are gone. */
  #held: LogRecord | undefined
  #records: BatchRecords | undefined
  #fault: RecordBatchError | undefined
  #leaderEpoch: number | undefined

  constructor(set: RecordSet, maxUnpackedBytes = defaultMaxUnpackedBytes) {
    this.#bytes = set.bytes
    this.#end = set.end
    this.#from = set.position
    this.#position = set.position
    this.#aborted = new AbortedTransactions(set.aborted)
    this.#maxUnpackedBytes = maxUnpackedBytes
  }

  /** The next offset to read: behind everything that was returned, passed over or thrown. */
  get position(): number {
    return this.#position
  }

  /**
   * The offset that what `next` returned begins at: higher than the position before where records are gone. Only compaction leaves
   * offsets out: what brokers append is without a gap, control records included.
   */
  get from(): number {
    return this.#from
  }

  /** The leader's epoch of the batch that was read last; `undefined` before the first, and behind what cannot be read. */
  get leaderEpoch(): number | undefined {
    return this.#leaderEpoch
  }

  /**
   * The next records, at most `maxRecords`, and none behind offsets that are gone: those come next. Empty at the end of the set, and
   * where only the position moved.
   * Throws `RecordBatchError` and nothing else.
   */
  next(maxRecords: number): readonly LogRecord[] {
    const records: LogRecord[] = []
    this.#from = this.#position
    if (this.#fault === undefined) {
      try {
        this.#fill(records, maxRecords)
      } catch (thrown) {
        this.#fault = this.#passOver(thrown)
      }
    }
    if (this.#fault === undefined || this.#position > this.#from) return records
    const fault = this.#fault
    this.#fault = undefined
    this.#position = fault.to
    throw fault
  }

  #fill(records: LogRecord[], maxRecords: number): void {
    while (records.length < maxRecords) {
      const source = this.#records ?? this.#open()
      if (source === undefined) return
      while ((this.#held !== undefined || !source.isDone) && records.length < maxRecords) {
        const record = this.#held ?? source.next()
        if (record.offset < this.#position) continue
        this.#held = this.#passGap(record.offset) ? undefined : record
        if (this.#held !== undefined) return
        records.push(record)
        this.#position = record.offset + 1
      }
      if (!source.isDone || !this.#passGap(source.end)) return
      this.#records = undefined
    }
  }

  /** Goes on behind offsets that are gone; false where something before them is to be told first. */
  #passGap(offset: number): boolean {
    if (offset <= this.#position) return true
    if (this.#position > this.#from) return false
    this.#from = offset
    this.#position = offset
    return true
  }

  /** Opens the next batch that has records for the reader; `undefined` at the end of the set, and where a gap is to be told first. */
  #open(): BatchRecords | undefined {
    for (let frame = this.#frame(); frame !== undefined; frame = this.#frame()) {
      const batch = readRecordBatch(this.#bytes, frame)
      const isEmptied = batch.count === 0 && !batch.isControl
      if (!this.#passGap(isEmptied ? batch.nextOffset : batch.baseOffset)) return undefined
      this.#leaderEpoch = batch.leaderEpoch
      if (this.#isVisible(batch)) {
        this.#records = new BatchRecords(batch, this.#maxUnpackedBytes)
        this.#at = frame.end
        return this.#records
      }
      this.#at = frame.end
      this.#position = Math.max(this.#position, batch.nextOffset)
    }
    return undefined
  }

  /** Brokers send the first batch of a set whole or not at all (since KIP-74), so an incomplete one is corrupt. */
  #frame(): Frame | undefined {
    const frame = frameAt(this.#bytes, this.#at)
    if (frame !== undefined || this.#at > 0 || this.#bytes.length === 0) return frame
    throw new MalformedError(`${this.#bytes.length} bytes that hold no whole batch`)
  }

  #isVisible(batch: RecordBatch): boolean {
    const isHidden = this.#aborted.hides(batch)
    return !isHidden && !batch.isControl && batch.count > 0 && batch.nextOffset > this.#position
  }

  /** Makes reading go on behind what threw, and says what is lost by that. */
  #passOver(thrown: unknown): RecordBatchError {
    const cause = thrown instanceof Error ? thrown : new MalformedError(messageOf(thrown))
    const to = this.#records?.end ?? this.#passOverFrame()
    this.#records = undefined
    this.#leaderEpoch = undefined
    return new RecordBatchError([this.#position, Math.max(to, this.#position)], cause)
  }

  /** A header may be wrong in its length and its offsets: believed is a batch behind it that is sound. */
  #passOverFrame(): number {
    const frame = frameAt(this.#bytes, this.#at) ?? { start: this.#at, end: this.#bytes.length }
    this.#at = frame.end
    const own = soundBatchAt(this.#bytes, frame.start)
    if (own !== undefined) return own.nextOffset
    const behind = soundBatchAt(this.#bytes, frame.end)
    if (behind !== undefined) return behind.baseOffset
    this.#at = this.#bytes.length
    const isCredible = (offset: number) => offset > this.#position && offset <= this.#end
    return claimedEnds(this.#bytes, frame).find(isCredible) ?? this.#position + 1
  }
}

function soundBatchAt(bytes: Buffer, at: number): RecordBatch | undefined {
  const frame = frameAt(bytes, at)
  try {
    return frame && readRecordBatch(bytes, frame)
  } catch {
    return undefined
  }
}

/** A transaction that was aborted, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The type in the key of a control record that ends an aborted transaction. */
const abortType = 0
const maxControlBytes = 1024

/**
 * Tells which batches belong to aborted transactions, as Kafka's own consumer does: from its first offset on,
 * a producer's transactional batches are hidden until its abort marker. Batches are to be shown in order.
 */
class AbortedTransactions {
  /** Those whose first offset is still to come, the next one last. */
  readonly #coming: AbortedTransaction[]
  readonly #hidden = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset)
  }

  /** Whether the batch's records were taken back. Throws a `MalformedError` for a control batch that is none. */
  hides(batch: RecordBatch): boolean {
    this.#begin(batch.nextOffset)
    if (this.#hidden.size === 0) return false
    if (batch.isControl && isAbortMarker(batch)) this.#hidden.delete(batch.producerId)
    return batch.isTransactional && !batch.isControl && this.#hidden.has(batch.producerId)
  }

  #begin(beforeOffset: number): void {
    for (let next = this.#coming.at(-1); next !== undefined; next = this.#coming.at(-1)) {
      if (next.firstOffset >= beforeOffset) return
      this.#hidden.add(next.producerId)
      this.#coming.pop()
    }
  }
}

/** The key of a control record is a version and a type, 16 bits each. */
function isAbortMarker(batch: RecordBatch): boolean {
  if (batch.count === 0) return false
  const { key } = new BatchRecords(batch, maxControlBytes).next()
  return key !== null && key.length >= 4 && key.readInt16BE(2) === abortType
}
