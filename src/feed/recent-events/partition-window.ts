import { RecentItems } from './recent-items.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { SegmentBudget } from './segment-budget.ts'
import {
  assertInvariant,
  maxSegmentRows,
  type SegmentSize,
  sizeAfter,
  type WindowSegment,
} from './window-segment.ts'

/** The columns of distances between addresses have 32 bits. */
const maxSegments = 65_535

/** An offset before the window: the events in `[from, to)` were dropped, or never came in. */
export interface LostRange {
  readonly kind: 'lost'
  readonly from: number
  readonly to: number
}

/** An offset after the window, which ends at `to`. */
export interface AheadOfWindow {
  readonly kind: 'ahead'
  readonly to: number
}

/**
 * The recent events of one partition: `[from, to)` can be read. A list of segments, of which the oldest leave
 * first. The address of a row says in which segment it lies and where. Addresses rise with offsets, and are
 * never used again.
 */
export class PartitionWindow {
  /** Another number stands for the partition when its topic is recreated or it is cut back. */
  readonly number: number
  /** The items with events in the window. */
  recent = new RecentItems()
  readonly #budget: SegmentBudget
  #segments: WindowSegment[] = []
  #nextNumber = 0
  #rows = 0
  /** When the newest of the events came in that cannot be read here any more. */
  #missesMs: number | undefined
  #from: number
  #to: number

  constructor(number: number, offset: number, budget: SegmentBudget) {
    this.number = number
    this.#budget = budget
    this.#from = offset
    this.#to = offset
    if (offset > 0) this.#missesMs = budget.nowMs
  }

  /** The first offset that can be read. */
  get from(): number {
    return this.#from
  }

  /** The next offset to come. */
  get to(): number {
    return this.#to
  }

  /**
   * When the newest of the events came in that cannot be read any more, in ms on a monotonic clock, or a
   * later time; `undefined` if all can.
   */
  get missesMs(): number | undefined {
    return this.#missesMs
  }

  get segments(): readonly WindowSegment[] {
    return this.#segments
  }

  /** The address of the oldest row; `endAddress` if there is none. */
  get firstAddress(): number {
    return this.#segments[0]?.firstAddress ?? this.endAddress
  }

  /** The address of the next row. */
  get endAddress(): number {
    const open = this.#segments.at(-1)
    return open === undefined ? this.#nextNumber * maxSegmentRows : open.firstAddress + open.count
  }

  /** The number of rows since the beginning, dropped ones included. */
  get rows(): number {
    return this.#rows
  }

  /**
   * States at which offset the log goes on. If that is after `to`, the offsets between are lost, and the
   * window begins anew.
   */
  begin(offset: number): void {
    this.#expectFromTo(offset)
    if (offset > this.#to) this.restart(offset)
  }

  /** Appends an event of a batch with all its items. Events come in the order of their offsets. */
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

  /** States that everything before an offset came in: offsets that were not appended hold no event. */
  advance(to: number): void {
    this.#expectFromTo(to)
    this.#to = to
  }

  /** Empties the window, which then begins at an offset. */
  restart(offset: number): void {
    for (const segment of this.#segments) this.#budget.close(segment, 'restart')
    this.#missesMs = this.#budget.nowMs
    this.#segments = []
    this.recent = new RecentItems()
    this.#from = offset
    this.#to = offset
  }

  /**
   * Forgets an item, whose number another item gets: neither its events nor anything before the last of them
   * can be read here any more. The log still has them.
   */
  forgetItem(number: number): void {
    const last = this.recent.lastOf(this.recent.slotOf(number))
    if (last < 0) return
    this.#miss(this.segmentOf(last).lastMs)
    this.#from = Math.max(this.#from, this.#offsetOf(last) + 1)
    this.recent.expire(this.addressAt(this.#from))
  }

  /** Drops the oldest segment and returns it. For the budget. */
  dropOldest(): WindowSegment | undefined {
    const dropped = this.#segments.shift()
    if (dropped === undefined) return undefined
    this.#miss(dropped.lastMs)
    this.#from = this.#segments.length === 0 ? this.#to : Math.max(this.#from, dropped.lastOffset + 1)
    this.recent.expire(this.firstAddress)
    return dropped
  }

  /** Returns why an offset cannot be read, if it lies outside of the window. */
  outside(offset: number): LostRange | AheadOfWindow | undefined {
    if (offset < this.#from) return { kind: 'lost', from: offset, to: this.#from }
    if (offset > this.#to) return { kind: 'ahead', to: this.#to }
    return undefined
  }

  /** Returns the segment of a row in the window. */
  segmentOf(address: number): WindowSegment {
    const first = this.#segments[0]?.firstAddress ?? 0
    const segment = this.#segments[Math.floor((address - first) / maxSegmentRows)]
    if (segment === undefined) throw new RangeError(`address ${address}: expected one in the window`)
    return segment
  }

  /**
   * Returns the index of the segment with the first event at or after an offset; the number of segments if
   * there is none.
   */
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

  /** Returns the address of the first row at or after an offset; `endAddress` if there is none. */
  addressAt(offset: number): number {
    const segment = this.#segments[this.segmentAt(offset)]
    return segment === undefined ? this.endAddress : segment.firstAddress + segment.rowAt(offset)
  }

  /**
   * Returns the first row of an item at or after `address`. `last` is the item's last row, which must not lie
   * before `address`. Takes one step a segment.
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

  /** Returns the next row of an item after a row that is not its last. */
  rowAfter(address: number): number {
    return address + this.#nextOf(address)
  }

  /** Returns how many rows of an item follow its row `first`, up to its row `last`. */
  rowsBetween(first: number, last: number): number {
    return (this.#rankOf(last) - this.#rankOf(first)) >>> 0
  }

  /** Throws if segments, chains and recent items contradict each other. For tests. */
  assertInvariants(): void {
    const chains = new Map<number, ChainEnd>()
    let [address, ordinal] = [this.firstAddress, this.#rows]
    for (const { count } of this.#segments) ordinal -= count
    for (const segment of this.#segments) {
      segment.assertInvariants()
      const isNext = segment.firstAddress === address && segment.firstOrdinal === ordinal
      assertInvariant(isNext, 'segments in a row')
      for (let row = 0; row < segment.count; row++) this.#assertLinks(segment, row, chains)
      address += maxSegmentRows
      ordinal += segment.count
    }
    const lastOffset = this.#segments.at(-1)?.lastOffset ?? -1
    assertInvariant(this.#from <= this.#to && lastOffset < this.#to, 'events before the end')
    const readable = [...chains].filter(([, { last }]) => this.#offsetOf(last) >= this.#from)
    assertInvariant(readable.length === this.recent.size, 'all recent items, and no others')
    for (const [item, { last }] of readable)
      assertInvariant(this.recent.lastOf(this.recent.slotOf(item)) === last, 'the last row of each item')
    let [before, count] = [Infinity, 0]
    for (let entry = this.recent.newest; entry >= 0; entry = this.recent.older(entry), count++) {
      assertInvariant(this.recent.lastOf(entry) < before, 'recent items in the order of their last rows')
      before = this.recent.lastOf(entry)
    }
    assertInvariant(count === this.recent.size, 'every recent item in that order')
  }

  /** Checks a row's links with the row before of its item, and makes it the end of the item's chain. */
  #assertLinks(segment: WindowSegment, row: number, chains: Map<number, ChainEnd>): void {
    const [item, address] = [segment.items[row] ?? 0, segment.firstAddress + row]
    const known = chains.get(item)
    const former = known === undefined || this.#hasEnded(known.last) ? undefined : known
    const isHere = former !== undefined && former.last >= segment.firstAddress
    const target = address - (segment.backs[row] ?? 0)
    chains.set(item, { last: address, first: isHere ? former.first : address })
    if (former === undefined) {
      assertInvariant(target === address || target < this.firstAddress, 'a chain that begins')
      return
    }
    assertInvariant(this.#nextOf(former.last) === address - former.last, 'a link to the next row')
    assertInvariant(this.rowsBetween(former.last, address) === 1, 'ranks that count')
    assertInvariant(target === (isHere ? former.first : former.last), 'a link back')
  }

  /** Whether a chain ended with a row: the item was forgotten, and another one has its number. */
  #hasEnded(last: number): boolean {
    return this.#nextOf(last) === 0 && this.#offsetOf(last) < this.#from
  }

  #miss(ms: number): void {
    this.#missesMs = Math.max(this.#missesMs ?? -Infinity, ms)
  }

  #offsetOf(address: number): number {
    const segment = this.segmentOf(address)
    return segment.offsetOf(address - segment.firstAddress)
  }

  #nextOf(address: number): number {
    const segment = this.segmentOf(address)
    return segment.nexts[address - segment.firstAddress] ?? 0
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

  /** Returns the open segment if the event fits, otherwise a new one. */
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

  /** Appends a new row to its item's chain. */
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
    // The former row is the item's first in this segment, or leads there.
    const leads = before === segment && back > 0 && back <= formerRow
    segment.backs[row] = address - former + (leads ? back : 0)
  }
}

/** The last row of an item, and the item's first row in the same segment. */
interface ChainEnd {
  readonly last: number
  readonly first: number
}

/** Follows a chain within a segment to the first row at or after `address`. */
function forward(segment: WindowSegment, row: number, address: number): number {
  let reached = row
  while (reached < address) reached += segment.nexts[reached - segment.firstAddress] ?? 0
  return reached
}
