import { RecentItems } from './recent-items.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { SegmentBudget } from './segment-budget.ts'
import { maxSegmentBytes, maxSegmentRows, type SegmentSize, type WindowSegment } from './window-segment.ts'

/** The first segment of a partition, so that hundreds of quiet partitions take little. */
const minSegmentBytes = 16 * 1024
/** Segments have so many rows or a multiple of it, so that they fit in each other's memory. */
const rowSteps = 256
/** Distances between addresses have 32 bits. */
const maxSegments = 65_535
/** Assumed of the first event. */
const meanEventBytes = 128

/** An offset that a window does not have any more: what lay in `[from, to)` was dropped, or never came by. */
export interface Lost {
  readonly kind: 'lost'
  readonly from: number
  readonly to: number
}

/** An offset that the window has not come to: it ends at `to`. */
export interface Ahead {
  readonly kind: 'ahead'
  readonly to: number
}

/**
 * The recent events of one partition: `[from, to)` can be read. A ring of segments, of which the oldest leave
 * first. The address of a row says in which segment it lies, and where; addresses rise with offsets and are
 * never used again.
 */
export class PartitionWindow {
  /** The partition's number; another one stands for it once its topic was made again or it was cut back. */
  readonly number: number
  /** The items with events in the window. */
  recent = new RecentItems()
  readonly #budget: SegmentBudget
  #segments: WindowSegment[] = []
  #nextNumber = 0
  #rows = 0
  #from: number
  #to: number

  constructor(number: number, offset: number, budget: SegmentBudget) {
    this.number = number
    this.#budget = budget
    this.#from = offset
    this.#to = offset
  }

  /** The first offset that can be read. */
  get from(): number {
    return this.#from
  }

  /** The next offset: everything before it has been told. */
  get to(): number {
    return this.#to
  }

  get segments(): readonly WindowSegment[] {
    return this.#segments
  }

  /** The address of the oldest row; `endAddress` if there is none. */
  get firstAddress(): number {
    return this.#segments[0]?.firstAddress ?? this.endAddress
  }

  /** Every row has a lower address, every later one this or a higher. */
  get endAddress(): number {
    const open = this.#segments.at(-1)
    return open === undefined ? this.#nextNumber * maxSegmentRows : open.firstAddress + open.count
  }

  /** Rows since the beginning, dropped ones included. */
  get rows(): number {
    return this.#rows
  }

  /**
   * States where what comes next begins. If that is after `to`, what lies between is lost, and the window
   * begins there.
   */
  begin(offset: number): void {
    this.#expectFromTo(offset)
    if (offset > this.#to) this.restart(offset)
  }

  /** Takes in an event of a batch, with all its items. Events come in the order of their offsets. */
  append(batch: EventBatch, index: number): void {
    const offset = batch.offsets[index] ?? -1
    this.#expectFromTo(offset)
    const others = batch.others.get(index)
    const bytes = batch.end(index) + 1 - batch.start(index)
    const open = this.#segments.at(-1)
    const segment = this.#segmentFor(offset, { bytes, rows: 1 + (others?.length ?? 0) }, open)
    this.#link(segment, segment.add(batch, index))
    if (others !== undefined) for (const { number } of others) this.#link(segment, segment.addItem(number))
    segment.lastMs = this.#budget.nowMs
    this.#budget.counts.events++
    this.#to = offset + 1
    if (segment !== open) this.#budget.enforce()
  }

  /** States that everything before an offset has been told: what was not appended is no event. */
  advance(to: number): void {
    this.#expectFromTo(to)
    this.#to = to
  }

  /** Empties the window; it begins anew at an offset. */
  restart(offset: number): void {
    for (const segment of this.#segments) this.#budget.close(segment, 'restart')
    this.#segments = []
    this.recent = new RecentItems()
    this.#from = offset
    this.#to = offset
  }

  /**
   * An item's number is to stand for another item: its events cannot be read here any more, nor anything
   * before the last of them; the log still has them.
   */
  forgetItem(number: number): void {
    const last = this.recent.lastOf(this.recent.slotOf(number))
    if (last < 0) return
    const segment = this.segmentOf(last)
    this.#from = Math.max(this.#from, segment.offsetOf(last - segment.firstAddress) + 1)
    this.recent.expire(this.addressAt(this.#from))
  }

  /** Lets go of the oldest segment. For the budget, which counts it out. */
  dropOldest(): WindowSegment | undefined {
    const dropped = this.#segments.shift()
    if (dropped === undefined) return undefined
    this.#from = this.#segments.length === 0 ? this.#to : Math.max(this.#from, dropped.lastOffset + 1)
    this.recent.expire(this.firstAddress)
    return dropped
  }

  /** What keeps an offset from being read. */
  refusal(offset: number): Lost | Ahead | undefined {
    if (offset < this.#from) return { kind: 'lost', from: offset, to: this.#from }
    if (offset > this.#to) return { kind: 'ahead', to: this.#to }
    return undefined
  }

  /** The segment of a row that the window has. */
  segmentOf(address: number): WindowSegment {
    const first = this.#segments[0]?.firstAddress ?? 0
    const segment = this.#segments[Math.floor((address - first) / maxSegmentRows)]
    if (segment === undefined) throw new RangeError(`address ${address}: expected one in the window`)
    return segment
  }

  /** Which of the segments has the first event at or after an offset; their number if none has. */
  segmentAt(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle]?.lastOffset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The address of the first row at or after an offset; `endAddress` if there is none. */
  addressAt(offset: number): number {
    const segment = this.#segments[this.segmentAt(offset)]
    return segment === undefined ? this.endAddress : segment.firstAddress + segment.rowAt(offset)
  }

  /**
   * The first row of an item at or after `address`, from its last row, which must not be before it. One step
   * a segment.
   */
  firstRowSince(address: number, last: number): number {
    let row = last
    for (;;) {
      const segment = this.segmentOf(row)
      const back = segment.backs[row - segment.firstAddress] ?? 0
      const before = row - back
      if (back > 0 && before >= address) row = before
      else return before >= segment.firstAddress ? forward(segment, before, address) : row
    }
  }

  /** How many rows of an item follow its row `first` up to its row `last`. */
  rowsBetween(first: number, last: number): number {
    return (this.#rankOf(last) - this.#rankOf(first)) >>> 0
  }

  #expectFromTo(offset: number): void {
    if (offset >= this.#to) return
    throw new RangeError(
      `offset ${offset} after ${this.#to}: expected another number for a partition that was cut back`,
    )
  }

  #rankOf(address: number): number {
    const segment = this.segmentOf(address)
    return segment.ranks[address - segment.firstAddress] ?? 0
  }

  /** The open segment, if an event fits, else a new one. */
  #segmentFor(offset: number, least: SegmentSize, open: WindowSegment | undefined): WindowSegment {
    if (open?.hasRoom(offset, least) && !this.#budget.isStale(open)) return open
    const { rows } = least
    if (rows > maxSegmentRows) throw new RangeError(`${rows} items: expected at most ${maxSegmentRows}`)
    if (this.#segments.length === maxSegments) this.#budget.dropOldestOf(this)
    const { nowMs } = this.#budget
    const start = { number: this.#nextNumber++, ordinal: this.#rows, offset, nowMs }
    const segment = this.#budget.open(this, sizeAfter(open, least), start)
    this.#segments.push(segment)
    return segment
  }

  /** Puts a new row at the end of its item's chain. */
  #link(segment: WindowSegment, row: number): void {
    this.#rows++
    const address = segment.firstAddress + row
    const former = this.recent.touch(segment.items[row] ?? 0, address)
    if (former < 0) return
    const before = this.segmentOf(former)
    const formerRow = former - before.firstAddress
    before.nexts[formerRow] = address - former
    segment.ranks[row] = (before.ranks[formerRow] ?? 0) + 1
    const back = before.backs[formerRow] ?? 0
    // The former row is the first of its item in this segment, or it leads there.
    const leads = before === segment && back > 0 && back <= formerRow
    segment.backs[row] = address - former + (leads ? back : 0)
  }
}

/** Follows a chain within a segment to its first row at or after `address`. */
function forward(segment: WindowSegment, row: number, address: number): number {
  let reached = row
  while (reached < address) reached += segment.nexts[reached - segment.firstAddress] ?? 0
  return reached
}

/**
 * Room for as many events as time allows, seen from the segment before, but at least for one: twice its
 * bytes, and rows for events of its mean length and an eighth more.
 */
function sizeAfter(former: WindowSegment | undefined, least: SegmentSize): SegmentSize {
  const usedBytes = former?.usedBytes ?? 0
  const wanted = Math.min(
    maxSegmentBytes,
    Math.max(minSegmentBytes, 2 ** Math.ceil(Math.log2(usedBytes + 1) + 1)),
  )
  const mean = former === undefined ? meanEventBytes : usedBytes / former.count
  const rows = Math.ceil(((wanted / mean) * 1.125) / rowSteps) * rowSteps
  return {
    bytes: Math.max(wanted, least.bytes),
    rows: Math.min(maxSegmentRows, Math.max(rows, least.rows)),
  }
}
