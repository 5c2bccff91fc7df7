import type { LogBatch, LogRecord } from '../event-log.ts'

/** Memory of a record besides its bytes: the objects for it, its key and its value. */
const recordBytes = 300

/** Held records are let go together, this many at most. */
const pieceRecords = 100

/** Records that belong together, by their offsets. */
export type Extent = Pick<LogBatch, 'from' | 'to' | 'records'>

interface HeldBatch extends Extent {
  readonly bytes: number
  /** Of each record. */
  readonly dueMs: Float64Array
  /** How many records were taken. */
  taken: number
}

/**
 * The records of a partition that were read but are not due. A record that is due waits for those before it.
 */
export class HeldRecords {
  readonly #batches: HeldBatch[] = []
  #lastDueMs = Number.NEGATIVE_INFINITY
  #bytes = 0

  /** Their approximate memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** When all of them are due; `-Infinity` if that is known to be so already. */
  get lastDueMs(): number {
    return this.#lastDueMs
  }

  /** When the next record is due; `Infinity` if there is none. */
  get nextDueMs(): number {
    const [first] = this.#batches
    if (first === undefined) return Number.POSITIVE_INFINITY
    return first.dueMs[first.taken] ?? Number.NEGATIVE_INFINITY
  }

  /**
   * Adds copies of records, to be kept for long: in pieces, since the memory of a piece is free when the last
   * of its records was taken.
   */
  addCopies(extent: Extent, dueMs: Float64Array): void {
    const { from, to, records } = extent
    if (records.length === 0) return this.add(extent, dueMs)
    let begin = from
    for (let index = 0; index < records.length; index += pieceRecords) {
      const piece = copyRecords(records.slice(index, index + pieceRecords))
      const end = index + pieceRecords < records.length ? offsetAfter(piece.at(-1)) : to
      this.add({ from: begin, to: end, records: piece }, dueMs.slice(index, index + pieceRecords))
      begin = end
    }
  }

  /** Adds records; `dueMs` has a time for each, which are on the same clock as that of `take`. */
  add(extent: Extent, dueMs: Float64Array): void {
    for (const ms of dueMs) this.#lastDueMs = Math.max(this.#lastDueMs, ms)
    const bytes = bytesOf(extent.records)
    this.#bytes += bytes
    this.#batches.push({ ...extent, bytes, dueMs, taken: 0 })
  }

  /** The next records that are due, `maxRecords` at most; `undefined` if there are none. */
  take(nowMs: number, maxRecords: number): Extent | undefined {
    const [first] = this.#batches
    if (first === undefined || this.nextDueMs > nowMs) return undefined
    const { records, dueMs, taken } = first
    let end = taken
    while (end < records.length && end - taken < maxRecords && (dueMs[end] ?? 0) <= nowMs) end += 1
    const isWhole = end === records.length
    const from = taken === 0 ? first.from : offsetAfter(records[taken - 1])
    const to = isWhole ? first.to : offsetAfter(records[end - 1])
    first.taken = end
    if (isWhole) {
      this.#batches.shift()
      this.#bytes -= first.bytes
    }
    return { from, to, records: taken === 0 && isWhole ? records : records.slice(taken, end) }
  }

  /** Forgets everything from an offset on. */
  cutBack(offset: number): void {
    while ((this.#batches.at(-1)?.to ?? offset) > offset) this.#cutLast(offset)
    if (this.#batches.length === 0) this.#lastDueMs = Number.NEGATIVE_INFINITY
  }

  #cutLast(offset: number): void {
    const last = this.#batches.pop()
    if (last === undefined) return
    this.#bytes -= last.bytes
    const records = last.records.filter(record => record.offset < offset)
    if (last.from >= offset || records.length < last.taken) return
    const bytes = bytesOf(records)
    this.#bytes += bytes
    this.#batches.push({ ...last, to: offset, records, bytes, dueMs: last.dueMs.slice(0, records.length) })
  }
}

function offsetAfter(record: LogRecord | undefined): number {
  return (record?.offset ?? -1) + 1
}

/** The objects and bytes of records. */
function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce(
    (sum, record) => sum + recordBytes * (1 + record.headers.length) + payloadBytes(record),
    0,
  )
}

function payloadBytes({ key, value, headers }: LogRecord): number {
  const ofHeaders = headers.reduce((sum, header) => sum + (header.value?.length ?? 0), 0)
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders
}

/** Copies the bytes of records into a buffer of their own: held views would keep a whole response. */
function copyRecords(records: readonly LogRecord[]): readonly LogRecord[] {
  const size = records.reduce((sum, record) => sum + payloadBytes(record), 0)
  const buffer = Buffer.allocUnsafeSlow(size)
  let end = 0
  const copy = (bytes: Buffer | null): Buffer | null => {
    if (bytes === null) return null
    const begin = end
    end += bytes.copy(buffer, begin)
    return buffer.subarray(begin, end)
  }
  return records.map(record => ({
    ...record,
    key: copy(record.key),
    value: copy(record.value),
    headers: record.headers.map(header => ({ ...header, value: copy(header.value) })),
  }))
}
