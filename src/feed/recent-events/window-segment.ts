import type { EventBatch } from '../last-values/event-batch.ts'

/** The most rows of a segment. The address of a row is the number of its segment times this, plus the row. */
export const maxSegmentRows = 65_536
/** The most bytes of events in a segment; a larger event has a segment of its own. */
export const maxSegmentBytes = 256 * 1024
/** The size of a partition's first segment: small, because a node may have hundreds of quiet partitions. */
const minSegmentBytes = 16 * 1024
/** Segments have a multiple of so many rows, so that their memory can be used again for others. */
const rowSteps = 256
/** The mean size of events that is assumed before the first one. */
const assumedEventBytes = 128
/** The bytes of a row in the columns. */
const bytesPerRow = 24
const comma = 0x2c

/** The room in a segment. */
export interface SegmentSize {
  readonly bytes: number
  readonly rows: number
}

/** Where and when a segment begins. */
export interface SegmentStart {
  /** One more than the number of the segment before it in its partition. */
  readonly number: number
  /** How many rows its partition had before it. */
  readonly ordinal: number
  readonly offset: number
  readonly nowMs: number
}

/**
 * A stretch of a partition: encoded events of up to some hundred kilobytes, each followed by one separator
 * byte, with columns beside them. An event has a *row* for each of its items, next to each other; only the
 * first of them, the head, has bytes. The rows of an item form a chain in both directions. The columns hold
 * distances between addresses, so that they keep no other segment alive. A segment never grows. It is dropped
 * whole, and may then begin anew.
 *
 * A segment with three events, the last of which has two items. Item 7 had an event in an earlier segment, 90
 * rows before row 0, and item 3 had none:
 *
 *     bytes     {"T":"t",…},{"T":"q",…},{"T":"n",…},···········
 *               └─ row 0 ──┘└─ row 1 ──┘└─ row 2 ──┘ and row 3, without bytes
 *
 *     row        0    1    2    3
 *     ends      12   24   36   36    where the row ends in bytes; equal for the rows of one event
 *     items      7    3    3    7    the item's number
 *     offsets    0    1    4    4    since firstOffset; rising by event
 *     nexts      3    1    0    0    to the item's next row; 0: there is none yet
 *     backs     90    0    1    3    first row here: to the one in an earlier segment; others: to the first
 *     ranks      5    0    1    6    how many rows the item had before
 */
export class WindowSegment {
  /** Another object whenever it begins anew. */
  identity: object = {}
  /** The address of its first row. */
  firstAddress = 0
  /** How many rows its partition had before its first row. */
  firstOrdinal = 0
  firstOffset = 0
  /** When its first event came in, in ms on a monotonic clock. */
  firstMs = 0
  /** When its last event came in. */
  lastMs = 0
  /** The number of rows. */
  count = 0
  events = 0
  readonly bytes: Buffer
  /** Where each row ends in `bytes`, separator included. It begins where the one before ends. */
  readonly ends: Uint32Array
  readonly items: Uint32Array
  /** Since `firstOffset`. */
  readonly offsets: Uint32Array
  /**
   * From an item's first row here to its row before, in an earlier segment; from its other rows to that first
   * one. 0: there is none.
   */
  readonly backs: Uint32Array
  /** To the item's next row. 0: there is none yet. */
  readonly nexts: Uint32Array
  /** The ordinal of a row among the rows of its item. */
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

  /** Empties the segment, for other events. */
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

  /** Frees its memory at once, which the collector may do much later. The segment cannot be used any more. */
  release(): void {
    const { bytes, ends, items, offsets, backs, nexts, ranks } = this
    for (const { buffer } of [bytes, ends, items, offsets, backs, nexts, ranks]) {
      if (buffer instanceof ArrayBuffer) buffer.transfer(0)
    }
  }

  /** The number of rows that it has room for. */
  get capacity(): number {
    return this.ends.length
  }

  /** The bytes of memory that it takes. */
  get size(): number {
    return this.bytes.length + this.ends.length * bytesPerRow
  }

  /** The number of used bytes. */
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

  /** The head of a row's event. */
  headOf(row: number): number {
    let head = row
    while (head > 0 && this.ends[head] === this.ends[head - 1]) head--
    return head
  }

  /** The first head at or after a row; the row after the last if there is none. */
  eventBoundary(row: number): number {
    let boundary = row
    while (boundary > 0 && boundary < this.count && this.ends[boundary] === this.ends[boundary - 1])
      boundary++
    return boundary
  }

  /** Whether it has these bytes, and these rows or at most a half more. */
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
   * Copies an event from a batch, separator included, and returns the row of its first item. The caller links
   * the row.
   */
  add(batch: EventBatch, index: number): number {
    const start = this.usedBytes
    const end = start + batch.bytes.copy(this.bytes, start, batch.start(index), batch.end(index) + 1)
    this.events++
    return this.#addRow(batch.offsets[index] ?? 0, end, batch.items[index] ?? 0)
  }

  /** Adds a row for a further item of the last event, and returns it. */
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

  /** Throws if bytes, heads or offsets contradict each other. For tests. */
  assertInvariants(): void {
    const heads = new Set(Array.from({ length: this.count }, (_, row) => this.headOf(row)))
    assertInvariant(this.count > 0 && this.count <= this.capacity, 'rows within the capacity')
    assertInvariant(this.usedBytes <= this.bytes.length, 'events within the bytes')
    assertInvariant(heads.size === this.events, 'one head for each event')
    assertInvariant(this.offsetOf(0) === this.firstOffset, 'the first offset at the first row')
    assertInvariant(this.firstMs <= this.lastMs, 'times in order')
    for (let row = 1; row < this.count; row++) {
      const step = this.offsetOf(row) - this.offsetOf(row - 1)
      assertInvariant(heads.has(row) ? step > 0 : step === 0, 'offsets that rise by event')
    }
    for (const head of heads)
      assertInvariant(this.bytes[this.end(head)] === comma, 'a separator after each event')
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

/** Throws unless an invariant holds. */
export function assertInvariant(holds: boolean, invariant: string): void {
  if (!holds) throw new Error(`the window: expected ${invariant}`)
}

/**
 * Returns the size of the next segment: room for as many events as the time allows, judged by the segment
 * before, and for at least one. It has twice the bytes, and rows for events of the mean length and an eighth
 * more.
 */
export function sizeAfter(former: WindowSegment | undefined, least: SegmentSize): SegmentSize {
  const usedBytes = former?.usedBytes ?? 0
  const wanted = Math.min(
    maxSegmentBytes,
    Math.max(minSegmentBytes, 2 ** Math.ceil(Math.log2(usedBytes + 1) + 1)),
  )
  const mean = former === undefined ? assumedEventBytes : usedBytes / former.count
  const rows = Math.ceil(((wanted / mean) * 1.125) / rowSteps) * rowSteps
  return {
    bytes: Math.max(wanted, least.bytes),
    rows: Math.min(maxSegmentRows, Math.max(rows, least.rows)),
  }
}
