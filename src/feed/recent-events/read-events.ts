import { AddressHeap } from './address-heap.ts'
import type { Ahead, Lost, PartitionWindow } from './partition-window.ts'
import type { ReadBuffer } from './read-buffer.ts'

/** Which items a reader wants: some, by number, or those that a predicate holds of. */
export type Wanted = ReadonlySet<number> | ((item: number) => boolean)

/** Whether an item is wanted. */
export function isWanted(wanted: Wanted): (item: number) => boolean {
  return typeof wanted === 'function' ? wanted : item => wanted.has(item)
}

/** What is read from where, into what. */
interface Reading {
  /** The next offset that the reader is to have. */
  readonly from: number
  readonly wanted: Wanted
  readonly readBuffer: ReadBuffer
}

/** Everything wanted before `to` has been taken; `to` is the window's, unless the excerpt is full. */
export interface Read {
  readonly kind: 'read'
  readonly to: number
}

/** How many rows are looked at before it is decided how to go on. */
const sampleRows = 256
/** What a step along a chain costs, counted in rows that are looked at (`npm run load -- window`). */
const rowsPerStep = 5
/** Used by one read at a time. */
const heap = new AddressHeap()

/**
 * Reads every wanted event from an offset on, in order, until the excerpt is full or everything is read. Goes
 * through the rows or, where that costs less, along the chains of the wanted items.
 */
export function readEvents(window: PartitionWindow, reading: Reading): Read | Lost | Ahead {
  const refusal = window.refusal(reading.from)
  if (refusal !== undefined) return refusal
  const { readBuffer } = reading
  if (readBuffer.isFull) return { kind: 'read', to: reading.from }
  const before = readBuffer.count
  let to = scanEvents(window, reading, Math.min(sampleRows, readBuffer.steps))
  if (!readBuffer.isFull && to < window.to) {
    const rest = { ...reading, from: to }
    const rows = rowsToScan(window, rest, readBuffer.count - before)
    // Half of what a scan would take: where that does not suffice, as much is left for the scan.
    to = followChains(window, rest, rows / 2 / rowsPerStep) ?? scanEvents(window, rest, readBuffer.steps)
  }
  readBuffer.seal()
  return { kind: 'read', to }
}

/** Looks at the rows one by one, at so many at most. Up to where everything wanted was taken. */
export function scanEvents(window: PartitionWindow, reading: Reading, rows: number): number {
  const { from, wanted, readBuffer } = reading
  const wants = isWanted(wanted)
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
      const isTaken = wants(segment.items[row] ?? 0)
      if (isTaken && !readBuffer.take({ partition: window.number, segment }, segment.headOf(row))) break
      row = isTaken ? segment.eventBoundary(row + 1) : row + 1
    }
    if (row < segment.count) return segment.offsetOf(row)
  }
  return window.to
}

/**
 * Merges the chains of the wanted items from their first rows on. Up to where everything wanted was taken;
 * `undefined` if there is no list of them or finding their first rows takes more steps than allowed: then
 * nothing was taken.
 */
export function followChains(window: PartitionWindow, reading: Reading, steps: number): number | undefined {
  const { from, wanted, readBuffer } = reading
  if (typeof wanted === 'function' || wanted.size > steps) return undefined
  const left = findFirstRows(window, { address: window.addressAt(from), items: wanted, steps })
  readBuffer.steps -= (steps - left) * rowsPerStep
  if (left < 0) return undefined
  let taken = -1
  while (heap.size > 0) {
    const address = heap.top
    const segment = window.segmentOf(address)
    const row = address - segment.firstAddress
    const offset = segment.offsetOf(row)
    // An event of several items is met once for each that is wanted.
    if (offset !== taken && !readBuffer.take({ partition: window.number, segment }, segment.headOf(row))) {
      return offset
    }
    taken = offset
    readBuffer.steps--
    const next = segment.nexts[row] ?? 0
    if (next > 0) heap.replaceTop(address + next)
    else heap.pop()
  }
  return window.to
}

interface Search {
  readonly address: number
  readonly items: ReadonlySet<number>
  readonly steps: number
}

/**
 * Puts each item's first row at or after an address into the heap. How many steps are left, below 0 if they
 * did not suffice.
 */
function findFirstRows(window: PartitionWindow, { address, items, steps }: Search): number {
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
 * How many rows a scan is likely to look at until the excerpt is full, after so many events were found in a
 * sample.
 */
function rowsToScan(window: PartitionWindow, { from, readBuffer }: Reading, found: number): number {
  const segment = window.segments[window.segmentAt(from)]
  if (segment === undefined) return 0
  const rows = window.rows - segment.firstOrdinal - segment.rowAt(from)
  const room = readBuffer.roomFor(segment.usedBytes / segment.events)
  const toFill = found === 0 ? rows : (room * sampleRows) / found
  return Math.min(rows, toFill, readBuffer.steps)
}
