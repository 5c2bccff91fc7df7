import type { ConflatedCursor, EntryRange } from './conflated-cursor.ts'
import type { AheadOfWindow, LostRange, PartitionWindow } from './partition-window.ts'
import type { EventFilter, ReadBuffer } from './read-buffer.ts'
import { type FilterOfItem, type ItemFilter, predicateOf, type ReadResult } from './read-events.ts'
import { walkOn } from './filter-walk.ts'

export interface ConflatedReadRequest {
  /** How far the reader is; moved on by the read. */
  readonly cursor: ConflatedCursor
  readonly wanted: ItemFilter
  /** Absent if no item has a filter. */
  readonly filterOf?: FilterOfItem | undefined
  readonly readBuffer: ReadBuffer
}

/** The cost of looking up one item in a map or by a link, in entries looked at in order. */
const entriesPerLink = 8

/**
 * Reads the newest event of each wanted item with an event since the cursor, and the number of its item's
 * events that it replaces (`ReadBuffer.replaced`), in the order of the log. Events that do not pass their
 * item's filter do not count; a read may end in the midst of an item's events, and the next goes on there. A
 * read that fills the buffer is continued by the next, so that each item has its turn; between reads order
 * holds for each item, not for the partition. An event of several items counts for each of them, and is read
 * again if these are not read together.
 */
export function readConflated(
  window: PartitionWindow,
  request: ConflatedReadRequest,
): ReadResult | LostRange | AheadOfWindow {
  const { cursor, readBuffer } = request
  const { from, to } = window
  const { lowest } = cursor
  if (cursor.highest > to) return { kind: 'ahead', to }
  if (lowest < from) {
    cursor.raise(from)
    return { kind: 'lost', from: lowest, to: from }
  }
  readBuffer.chosen.clear()
  for (let ranges = cursor.ranges; ranges > 0 && !readBuffer.isFull; ranges--) {
    cursor.settle(chooseFrom(window, cursor.next, request), to)
  }
  appendChosen(window, readBuffer)
  readBuffer.seal()
  return { kind: 'read', to: cursor.lowest }
}

/** Chooses rows from one range of entries. Returns the entry before which the range is settled. */
function chooseFrom(window: PartitionWindow, range: EntryRange, request: ConflatedReadRequest): number {
  const { wanted, readBuffer } = request
  const address = window.addressAt(range.offset)
  if (address >= window.endAddress) return range.end
  const isWanted = predicateOf(wanted)
  const { recent } = window
  const choose: Choose = entry => {
    const last = recent.lastOf(entry)
    const isRead = last >= address && isWanted(recent.itemOf(entry))
    return !isRead || chooseRow(window, request, { entry, address, last })
  }
  const found = findCandidates(window, { range, address, wanted, readBuffer })
  return found === undefined ? sweep(window, range, { readBuffer, choose }) : chooseAll(found, range, choose)
}

interface UnreadItem {
  readonly entry: number
  /** The address of the first row that counts. */
  readonly address: number
  /** The address of the item's last row. */
  readonly last: number
}

/** Chooses an item's newest row. Returns false if the item is not settled: the buffer is full. */
function chooseRow(window: PartitionWindow, request: ConflatedReadRequest, item: UnreadItem): boolean {
  const { readBuffer, filterOf } = request
  if (readBuffer.isFull) return false
  const { entry, address, last } = item
  const filter = filterOf?.(window.recent.itemOf(entry))
  if (filter !== undefined) return choosePassing(window, request, { ...item, filter })
  const bytes = bytesOf(window, last)
  if (!readBuffer.hasRoom(readBuffer.chosen.count + 1, readBuffer.chosen.bytes + bytes)) return false
  const replaced = window.rowsBetween(window.firstRowSince(address, last), last)
  readBuffer.steps -= entriesPerLink * (1 + Math.min(window.segments.length, replaced))
  readBuffer.chosen.add(last, replaced, bytes)
  return true
}

/** Chooses the newest row whose event passes a filter, if any does. */
function choosePassing(
  window: PartitionWindow,
  { cursor, readBuffer }: ConflatedReadRequest,
  { entry, address, last, filter }: UnreadItem & { readonly filter: EventFilter },
): boolean {
  const { chosen } = readBuffer
  const first = window.firstRowSince(address, last)
  readBuffer.steps -= entriesPerLink * (1 + window.segments.length)
  const walk = walkOn(window, readBuffer, cursor.walkOf(entry), { filter, first, last })
  const { newest, passed } = walk
  const isWhole = walk.seen === last
  if (isWhole && passed === 0) return true
  const bytes = passed === 0 ? 0 : bytesOf(window, newest)
  if (!isWhole || !readBuffer.hasRoom(chosen.count + 1, chosen.bytes + bytes)) {
    cursor.keepWalk(entry, walk)
    return false
  }
  chosen.add(newest, passed - 1, bytes)
  return true
}

/** The bytes of a row's event, separator included. */
function bytesOf(window: PartitionWindow, address: number): number {
  const segment = window.segmentOf(address)
  const head = segment.headOf(address - segment.firstAddress)
  return segment.end(head) + 1 - segment.start(head)
}

/** Appends the events of the chosen rows; an event that was chosen for several items once. */
function appendChosen(window: PartitionWindow, readBuffer: ReadBuffer): void {
  let lastHead = -1
  readBuffer.chosen.visit((address, replaced) => {
    const segment = window.segmentOf(address)
    const head = segment.headOf(address - segment.firstAddress)
    if (segment.firstAddress + head !== lastHead)
      readBuffer.append({ partition: window.number, segment }, head)
    lastHead = segment.firstAddress + head
    readBuffer.addReplaced(replaced)
  })
}

/**
 * Chooses the last row of an entry's item, if it has to be read. Returns false if the buffer has no room for
 * it.
 */
type Choose = (entry: number) => boolean

/** Looks at the entries of a range in order. */
function sweep(
  window: PartitionWindow,
  { begin, end }: EntryRange,
  { readBuffer, choose }: { readonly readBuffer: ReadBuffer; readonly choose: Choose },
): number {
  const last = Math.min(end, window.recent.entryCount)
  for (let entry = begin; entry < last; entry++) {
    if (readBuffer.steps <= 0 || !choose(entry)) return entry
    readBuffer.steps--
  }
  return end
}

function chooseAll(entries: Int32Array, { end }: EntryRange, choose: Choose): number {
  for (const entry of entries.toSorted()) if (!choose(entry)) return entry
  return end
}

interface CandidateSearch {
  readonly range: EntryRange
  readonly address: number
  readonly wanted: ItemFilter
  readonly readBuffer: ReadBuffer
}

/**
 * Finds the entries of a range that may have to be read, in any order. Returns `undefined` where that is not
 * much less work than looking at every entry.
 */
function findCandidates(
  { recent }: PartitionWindow,
  { range, address, wanted, readBuffer: { candidates } }: CandidateSearch,
): Int32Array | undefined {
  const entries = Math.min(range.end, recent.entryCount) - range.begin
  const limit = Math.min(candidates.length, entries / entriesPerLink)
  let count = 0
  const add = (entry: number): void => {
    if (entry >= range.begin && entry < range.end) candidates[count++] = entry
  }
  if (typeof wanted !== 'function' && wanted.size < limit) {
    for (const item of wanted) add(recent.slotOf(item))
    return candidates.subarray(0, count)
  }
  let walked = 0
  for (let entry = recent.newest; recent.lastOf(entry) >= address; entry = recent.older(entry)) {
    if (++walked > limit) return undefined
    add(entry)
  }
  return candidates.subarray(0, count)
}
