import type { EventBatch } from '../last-values/event-batch.ts'

/** How many rows a segment has at most. An address is the number of its segment times this, plus the row. */
export const maxSegmentRows = 65_536
/** How many bytes of events; a larger event has a segment of its own. */
export const maxSegmentBytes = 256 * 1024
/** What the columns beside the bytes take. */
const bytesPerRow = 24

/** What a segment has room for. */
export interface SegmentSize {
  readonly bytes: number
  readonly rows: number
}

/** Where and when a segment begins. */
export interface SegmentStart {
  /** One more than that of the segment before it in its partition. */
  readonly number: number
  /** How many rows its partition had before it. */
  readonly ordinal: number
  readonly offset: number
  readonly nowMs: number
}

/**
 * A stretch of a partition: the encoded events of some hundred kilobytes, each followed by one separator byte
 * as in a batch, with columns beside them. An event has a *row* for each of its items, next to each other;
 * only the first of them, the head, has bytes. Of the same item, rows form a chain in both directions; the
 * columns hold distances between addresses, so nothing is kept alive by them. It never grows, is dropped
 * whole, and may then begin anew.
 */
export class WindowSegment {
  /** Another one whenever it begins anew. */
  identity: object = {}
  /** The address of its first row. */
  firstAddress = 0
  /** How many rows its partition had before its first. */
  firstOrdinal = 0
  firstOffset = 0
  /** When its first event was taken in, in ms on a clock that only goes on. */
  firstMs = 0
  /** When its last event was taken in. */
  lastMs = 0
  /** Rows. */
  count = 0
  events = 0
  readonly bytes: Buffer
  /** Where each row ends in `bytes`, separator included; it begins where the one before ends. */
  readonly ends: Uint32Array
  readonly items: Uint32Array
  /** Since `firstOffset`. */
  readonly offsets: Uint32Array
  /**
   * From the item's first row in this segment to its row before, in an earlier segment; from the others to
   * that first one. 0: there is none.
   */
  readonly backs: Uint32Array
  /** To the item's next row; 0: there is none yet. */
  readonly nexts: Uint32Array
  /** Counts the item's rows, so that differences say how many lie between. */
  readonly ranks: Uint32Array

  constructor({ bytes, rows }: SegmentSize) {
    this.bytes = Buffer.allocUnsafeSlow(bytes)
    this.ends = new Uint32Array(rows)
    this.items = new Uint32Array(rows)
    this.offsets = new Uint32Array(rows)
    this.backs = new Uint32Array(rows)
    this.nexts = new Uint32Array(rows)
    this.ranks = new Uint32Array(rows)
  }

  /** Empties it, for other events. */
  begin({ number, ordinal, offset, nowMs }: SegmentStart): void {
    this.identity = {}
    this.firstAddress = number * maxSegmentRows
    this.firstOrdinal = ordinal
    this.firstOffset = offset
    this.firstMs = nowMs
    this.lastMs = nowMs
    this.count = 0
    this.events = 0
  }

  /** Gives its memory back at once, which the collector may take long to do; it cannot be used any more. */
  release(): void {
    const { bytes, ends, items, offsets, backs, nexts, ranks } = this
    for (const { buffer } of [bytes, ends, items, offsets, backs, nexts, ranks]) {
      if (buffer instanceof ArrayBuffer) buffer.transfer(0)
    }
  }

  /** How many rows it has room for. */
  get capacity(): number {
    return this.ends.length
  }

  /** The memory that it takes. */
  get size(): number {
    return this.bytes.length + this.ends.length * bytesPerRow
  }

  /** How many of its bytes are used. */
  get usedBytes(): number {
    return this.start(this.count)
  }

  get lastOffset(): number {
    return this.offsetOf(this.count - 1)
  }

  /** Where a row begins in `bytes`. */
  start(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] ?? 0)
  }

  /** Where a row ends in `bytes`, without its separator. Only for heads. */
  end(row: number): number {
    return (this.ends[row] ?? 1) - 1
  }

  offsetOf(row: number): number {
    return this.firstOffset + (this.offsets[row] ?? 0)
  }

  /** The row that has the bytes of a row's event. */
  headOf(row: number): number {
    let head = row
    while (head > 0 && this.ends[head] === this.ends[head - 1]) head--
    return head
  }

  /** The row at or after this one that begins an event, or the row after the last. */
  eventBoundary(row: number): number {
    let boundary = row
    while (boundary > 0 && boundary < this.count && this.ends[boundary] === this.ends[boundary - 1])
      boundary++
    return boundary
  }

  /** Whether it has the bytes asked for and as many rows, or a half more at most. */
  isOfSize({ bytes, rows }: SegmentSize): boolean {
    return this.bytes.length === bytes && this.ends.length >= rows && this.ends.length <= rows * 1.5
  }

  /** Whether an event fits, with its separator and a row for each of its items. */
  hasRoom(offset: number, { bytes, rows }: SegmentSize): boolean {
    return (
      this.count + rows <= this.ends.length &&
      this.usedBytes + bytes <= this.bytes.length &&
      offset - this.firstOffset <= 0xffff_ffff
    )
  }

  /**
   * Copies an event from a batch, separator included, and answers the row of its first item. The links are
   * the caller's.
   */
  add(batch: EventBatch, index: number): number {
    const start = this.usedBytes
    const end = start + batch.bytes.copy(this.bytes, start, batch.start(index), batch.end(index) + 1)
    this.events++
    return this.#addRow(batch.offsets[index] ?? 0, end, batch.items[index] ?? 0)
  }

  /** Adds a row for a further item of the last event. */
  addItem(item: number): number {
    return this.#addRow(this.lastOffset, this.usedBytes, item)
  }

  /** The first row at or after an offset; the row after the last if there is none. */
  rowAt(offset: number): number {
    const wanted = offset - this.firstOffset
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.offsets[middle] ?? 0) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }

  #addRow(offset: number, end: number, item: number): number {
    const row = this.count++
    this.ends[row] = end
    this.items[row] = item
    this.offsets[row] = offset - this.firstOffset
    this.backs[row] = 0
    this.nexts[row] = 0
    this.ranks[row] = 0
    return row
  }
}
