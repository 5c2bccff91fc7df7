import { messageOf } from '../../../diagnostics/ticker-error.ts'
import type { LogRecord } from '../../event-log.ts'
import { MalformedError, RecordBatchError } from '../kafka-error.ts'
import { BatchRecords } from './batch-records.ts'
import { claimedEnds, type Frame, frameAt, readRecordBatch, type RecordBatch } from './record-batch.ts'

/** The bytes that a fetch returned for one partition. */
export interface RecordSet {
  readonly bytes: Buffer
  /** The offset that was asked for. The set may begin before it, since brokers send whole batches. */
  readonly position: number
  /** The end of the log in the response. No offset beyond it is believed in a corrupt header. */
  readonly end: number
  readonly aborted: readonly AbortedTransaction[]
}

/** An aborted transaction, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The decompressed bytes of one batch, unless the caller sets another limit. */
const defaultMaxUnpackedBytes = 32 * 1024 * 1024

/**
 * Reads a record set synchronously, in slices, so that a batch of 200,000 records need not block the event
 * loop. Skips control records, aborted transactions and records before the position. Reports where compaction
 * has removed records. An incomplete last batch ends the set. A batch that cannot be read throws a
 * `RecordBatchError`, once, in its place. Reading then goes on behind it.
 */
export class RecordSetReader {
  readonly #bytes: Buffer
  readonly #end: number
  readonly #aborted: AbortedTransactions
  readonly #maxUnpackedBytes: number
  /** The index of the next batch. */
  #at = 0
  #from: number
  #position: number
  /** A record that was read already, but comes after a gap. */
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

  /** The next offset to read, after everything that was returned, skipped or thrown. */
  get position(): number {
    return this.#position
  }

  /**
   * The offset at which the last result of `next` begins. It is higher than the position before if records
   * are gone. Only compaction leaves offsets out: brokers append without gaps, control records included.
   */
  get from(): number {
    return this.#from
  }

  /** The leader's epoch of the last batch; `undefined` before the first, and after an unreadable one. */
  get leaderEpoch(): number | undefined {
    return this.#leaderEpoch
  }

  /**
   * The next records, at most `maxRecords`, up to the next gap. Empty at the end of the set, and where only
   * the position moved. Throws `RecordBatchError` and nothing else.
   */
  next(maxRecords: number): readonly LogRecord[] {
    const records: LogRecord[] = []
    this.#from = this.#position
    if (this.#fault === undefined) {
      try {
        this.#fill(records, maxRecords)
      } catch (thrown) {
        this.#fault = this.#skip(thrown)
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
        this.#held = this.#skipGap(record.offset) ? undefined : record
        if (this.#held !== undefined) return
        records.push(record)
        this.#position = record.offset + 1
      }
      if (!source.isDone || !this.#skipGap(source.end)) return
      this.#records = undefined
    }
  }

  /** Moves past a gap before `offset`. Returns false if something before the gap has to be returned first. */
  #skipGap(offset: number): boolean {
    if (offset <= this.#position) return true
    if (this.#position > this.#from) return false
    this.#from = offset
    this.#position = offset
    return true
  }

  /** Opens the next visible batch; `undefined` at the end of the set, or if a gap must be reported first. */
  #open(): BatchRecords | undefined {
    for (let frame = this.#frame(); frame !== undefined; frame = this.#frame()) {
      const batch = readRecordBatch(this.#bytes, frame)
      const isEmptied = batch.count === 0 && !batch.isControl
      if (!this.#skipGap(isEmptied ? batch.nextOffset : batch.baseOffset)) return undefined
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

  /** Brokers send the first batch of a set whole (since KIP-74), so an incomplete one is corrupt. */
  #frame(): Frame | undefined {
    const frame = frameAt(this.#bytes, this.#at)
    if (frame !== undefined || this.#at > 0 || this.#bytes.length === 0) return frame
    throw new MalformedError(`${this.#bytes.length} bytes that hold no whole batch`)
  }

  #isVisible(batch: RecordBatch): boolean {
    const isHidden = this.#aborted.hides(batch)
    return !isHidden && !batch.isControl && batch.count > 0 && batch.nextOffset > this.#position
  }

  /** Moves behind the batch that threw. Returns the error that says which offsets are lost. */
  #skip(thrown: unknown): RecordBatchError {
    const cause = thrown instanceof Error ? thrown : new MalformedError(messageOf(thrown))
    const to = this.#records?.end ?? this.#skipFrame()
    this.#records = undefined
    this.#leaderEpoch = undefined
    return new RecordBatchError([this.#position, Math.max(to, this.#position)], cause)
  }

  /** A corrupt header may lie about its length and offsets. Believes it only if a sound batch follows. */
  #skipFrame(): number {
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

/** The type, in the key of a control record, that ends an aborted transaction. */
const abortType = 0
const maxControlBytes = 1024

/**
 * Knows which batches belong to aborted transactions, as Kafka's own consumer does. From its first offset on,
 * a producer's transactional batches are hidden until its abort marker. Batches must be checked in order.
 */
class AbortedTransactions {
  /** The transactions that begin later, the next one last. */
  readonly #later: AbortedTransaction[]
  /** The producers whose transactional batches are hidden now. */
  readonly #hidden = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#later = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset)
  }

  /** Whether the batch's records were aborted. Throws a `MalformedError` for an unreadable control batch. */
  hides(batch: RecordBatch): boolean {
    this.#beginBefore(batch.nextOffset)
    if (this.#hidden.size === 0) return false
    if (batch.isControl && isAbortMarker(batch)) this.#hidden.delete(batch.producerId)
    return batch.isTransactional && !batch.isControl && this.#hidden.has(batch.producerId)
  }

  #beginBefore(offset: number): void {
    for (let next = this.#later.at(-1); next !== undefined; next = this.#later.at(-1)) {
      if (next.firstOffset >= offset) return
      this.#hidden.add(next.producerId)
      this.#later.pop()
    }
  }
}

/** The key of a control record is a version and a type, 16 bits each. */
function isAbortMarker(batch: RecordBatch): boolean {
  if (batch.count === 0) return false
  const { key } = new BatchRecords(batch, maxControlBytes).next()
  return key !== null && key.length >= 4 && key.readInt16BE(2) === abortType
}
