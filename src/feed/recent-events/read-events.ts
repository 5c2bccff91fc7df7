import type { AheadOfWindow, LostRange, PartitionWindow } from './partition-window.ts'
import type { EventFilter, ReadBuffer, ReadSource } from './read-buffer.ts'

/** The items that a reader wants: a set of numbers, or a predicate. */
export type ItemFilter = ReadonlySet<number> | ((item: number) => boolean)

/** Returns the predicate of a filter. */
export function predicateOf(filter: ItemFilter): (item: number) => boolean {
  return typeof filter === 'function' ? filter : item => filter.has(item)
}

/** Returns the filter that the events of an item have to pass, if there is one. */
export type FilterOfItem = (item: number) => EventFilter | undefined

export interface ReadRequest {
  /** The next offset that the reader is to get. */
  readonly from: number
  readonly wanted: ItemFilter
  /** Absent if no item has a filter. */
  readonly filterOf?: FilterOfItem | undefined
  readonly readBuffer: ReadBuffer
}

/** Every wanted event before `to` was read. `to` is the window's end, unless the buffer is full. */
export interface ReadResult {
  readonly kind: 'read'
  readonly to: number
}

/** How many rows are looked at before the way to go on is chosen. */
const sampleRows = 256
/** The cost of a step along a chain, in rows looked at (`npm run load -- window`). */
const rowsPerStep = 5

/**
 * Reads every wanted event from an offset on, in order, until the buffer is full or everything is read. Looks
 * at each row or, where that costs less, follows the chains of the wanted items.
 */
export function readEvents(
  window: PartitionWindow,
  request: ReadRequest,
): ReadResult | LostRange | AheadOfWindow {
  const outside = window.outside(request.from)
  if (outside !== undefined) return outside
  const { readBuffer } = request
  if (request.filterOf !== undefined) readBuffer.isFiltered = true
  if (readBuffer.isFull) return { kind: 'read', to: request.from }
  const before = readBuffer.count
  let to = scanEvents(window, request, Math.min(sampleRows, readBuffer.steps))
  if (!readBuffer.isFull && to < window.to) {
    const rest = { ...request, from: to }
    const rows = rowsToScan(window, rest, readBuffer.count - before)
    // Half of the cost of a scan: if following chains costs more, as much is left for the scan.
    to = followChains(window, rest, rows / 2 / rowsPerStep) ?? scanEvents(window, rest, readBuffer.steps)
  }
  readBuffer.seal()
  return { kind: 'read', to }
}

/** Looks at each row, at so many at most. Returns the offset before which every wanted event was read. */
export function scanEvents(window: PartitionWindow, request: ReadRequest, rows: number): number {
  const { from, wanted, readBuffer } = request
  const isWanted = predicateOf(wanted)
  const { segments } = window
  let left = Math.max(0, rows)
  for (let at = window.segmentAt(from); at < segments.length; at++) {
    const segment = segments[at]
    if (segment === undefined) break
    const begin = segment.rowAt(from)
    const end = segment.eventBoundary(Math.min(segment.count, begin + left))
    readBuffer.steps -= end - begin
    left = Math.max(0, left - (end - begin))
    let row = begin
    while (row < end) {
      const isFound = isWanted(segment.items[row] ?? 0)
      if (isFound && !readRow(request, { partition: window.number, segment }, row)) break
      row = isFound ? segment.eventBoundary(row + 1) : row + 1
    }
    if (row < segment.count) return segment.offsetOf(row)
  }
  return window.to
}

/**
 * Reads the event of a wanted row, unless a filter leaves it out. Returns false, and has not read it, if the
 * buffer is full. The rows of one event have the same channel, and so the same filter.
 */
function readRow({ from, filterOf, readBuffer }: ReadRequest, source: ReadSource, row: number): boolean {
  const { segment } = source
  const head = segment.headOf(row)
  const filter = filterOf?.(segment.items[row] ?? 0)
  if (filter === undefined) return readBuffer.append(source, head)
  if (!readBuffer.hasEvaluations && segment.offsetOf(row) > from) return false
  return !readBuffer.passes(filter, segment, head) || readBuffer.append(source, head)
}

/**
 * Merges the chains of the wanted items from their first rows on. Returns the offset before which every
 * wanted event was read. Returns `undefined`, and has read nothing, if the filter is a predicate, or if
 * finding the first rows takes more than `steps`.
 */
export function followChains(
  window: PartitionWindow,
  request: ReadRequest,
  steps: number,
): number | undefined {
  const { from, wanted, readBuffer } = request
  if (typeof wanted === 'function' || wanted.size > steps) return undefined
  const { heap } = readBuffer
  const left = findFirstRows(window, { address: window.addressAt(from), items: wanted, steps, readBuffer })
  readBuffer.steps -= (steps - left) * rowsPerStep
  if (left < 0) return undefined
  let lastOffset = -1
  while (heap.size > 0) {
    const address = heap.top
    const segment = window.segmentOf(address)
    const row = address - segment.firstAddress
    const offset = segment.offsetOf(row)
    // An event of several wanted items is met once for each of them.
    const isRead = offset === lastOffset
    if (!isRead && !readRow(request, { partition: window.number, segment }, row)) return offset
    lastOffset = offset
    readBuffer.steps--
    const next = segment.nexts[row] ?? 0
    if (next > 0) heap.replaceTop(address + next)
    else heap.pop()
  }
  return window.to
}

interface FirstRowSearch {
  readonly address: number
  readonly items: ReadonlySet<number>
  readonly steps: number
  readonly readBuffer: ReadBuffer
}

/**
 * Puts each item's first row at or after an address into the heap. Returns the steps that are left; below 0
 * if they did not suffice.
 */
function findFirstRows(
  window: PartitionWindow,
  { address, items, steps, readBuffer: { heap } }: FirstRowSearch,
): number {
  const { recent, segments } = window
  heap.clear()
  let left = steps
  for (const item of items) {
    left--
    const last = recent.lastOf(recent.slotOf(item))
    if (last < address) continue
    const first = window.firstRowSince(address, last)
    left -= Math.min(segments.length, window.rowsBetween(first, last))
    if (left < 0) break
    heap.push(first)
  }
  return left
}

/**
 * How many rows a scan will probably look at until the buffer is full, if a sample had `found` wanted events.
 */
function rowsToScan(window: PartitionWindow, { from, readBuffer }: ReadRequest, found: number): number {
  const segment = window.segments[window.segmentAt(from)]
  if (segment === undefined) return 0
  const rows = window.rows - segment.firstOrdinal - segment.rowAt(from)
  const room = readBuffer.roomFor(segment.usedBytes / segment.events)
  const toFill = found === 0 ? rows : (room * sampleRows) / found
  return Math.min(rows, toFill, readBuffer.steps)
}
