import type { ConflatedCursor, SlotRange } from './conflated-cursor.ts'
import type { Ahead, Lost, PartitionWindow } from './partition-window.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { type Read, type Wanted, isWanted } from './read-events.ts'

/** The rows that a read has chosen, in any order, each with the number of events that it replaces. */
class ChosenRows {
  count = 0
  bytes = 0
  #addresses = new Float64Array(512)
  #replaced = new Uint32Array(512)
  #order = new Uint32Array(512)

  clear(): void {
    this.count = 0
    this.bytes = 0
  }

  add(address: number, replaced: number): void {
    if (this.count === this.#addresses.length) this.#grow()
    this.#addresses[this.count] = address
    this.#replaced[this.count] = replaced
    this.count++
  }

  /** Visits the rows by address. */
  visit(each: (address: number, replaced: number) => void): void {
    const addresses = this.#addresses
    const order = this.#order.subarray(0, this.count)
    for (let index = 0; index < order.length; index++) order[index] = index
    order.sort((a, b) => (addresses[a] ?? 0) - (addresses[b] ?? 0))
    for (const index of order) each(addresses[index] ?? 0, this.#replaced[index] ?? 0)
  }

  #grow(): void {
    const addresses = this.#addresses
    const replaced = this.#replaced
    this.#addresses = new Float64Array(addresses.length * 2)
    this.#addresses.set(addresses)
    this.#replaced = new Uint32Array(replaced.length * 2)
    this.#replaced.set(replaced)
    this.#order = new Uint32Array(addresses.length * 2)
  }
}

/** What a conflating reader gets, and how far it is. */
interface ConflatedReadRequest {
  /** Moved on by the read. */
  readonly cursor: ConflatedCursor
  readonly wanted: Wanted
  readonly readBuffer: ReadBuffer
}

/**
 * What looking at the next item costs that has to be found in a map or by a link, counted in slots that are
 * looked at in order.
 */
const slotsPerLink = 8
/** More candidates than this are not sorted, but found in order. */
const maxCandidates = 1024
/** Used by one read at a time. */
const chosenRows = new ChosenRows()
const candidates = new Int32Array(maxCandidates)

/**
 * Reads the newest event of every wanted item that has one since the cursor, with the number of events of
 * that item that it replaces (`ReadBuffer.replaced`), in the order of the log. A read that fills the excerpt
 * is taken up where it ended, so each item has its turn; between reads order holds for each item, not for the
 * partition. An event of several items counts for each of them, and is read again where they are not read
 * together.
 */
export function readConflated(window: PartitionWindow, reading: ConflatedReadRequest): Read | Lost | Ahead {
  const { cursor, readBuffer } = reading
  const { from, to } = window
  const { lowest } = cursor
  if (cursor.highest > to) return { kind: 'ahead', to }
  if (lowest < from) {
    cursor.raise(from)
    return { kind: 'lost', from: lowest, to: from }
  }
  chosenRows.clear()
  for (let runs = cursor.runs; runs > 0 && !readBuffer.isFull; runs--) {
    cursor.settle(selectFrom(window, cursor.next, reading), to)
  }
  take(window, readBuffer)
  readBuffer.seal()
  return { kind: 'read', to: cursor.lowest }
}

/** Selects from one run; up to which slot. */
function selectFrom(
  window: PartitionWindow,
  run: SlotRange,
  { wanted, readBuffer }: ConflatedReadRequest,
): number {
  const address = window.addressAt(run.offset)
  if (address >= window.endAddress) return run.end
  const wants = isWanted(wanted)
  const { recent } = window
  const choose = (slot: number): boolean => {
    const last = recent.lastOf(slot)
    return last < address || !wants(recent.itemOf(slot)) || select(window, readBuffer, { address, last })
  }
  const found = findCandidates(window, { run, address, wanted })
  return found === undefined ? sweep(window, run, { readBuffer, choose }) : chooseAll(found, run, choose)
}

interface Chosen {
  readonly address: number
  readonly last: number
}

/** Selects an item's last row, if the excerpt has room for its event. */
function select(window: PartitionWindow, readBuffer: ReadBuffer, { address, last }: Chosen): boolean {
  if (readBuffer.isFull) return false
  const segment = window.segmentOf(last)
  const head = segment.headOf(last - segment.firstAddress)
  const bytes = segment.end(head) + 1 - segment.start(head)
  if (!readBuffer.hasRoom(chosenRows.count + 1, chosenRows.bytes + bytes)) return false
  const replaced = window.rowsBetween(window.firstRowSince(address, last), last)
  readBuffer.steps -= slotsPerLink * (1 + Math.min(window.segments.length, replaced))
  chosenRows.add(last, replaced)
  chosenRows.bytes += bytes
  return true
}

/** Takes what was selected, an event that was selected for several items once. */
function take(window: PartitionWindow, readBuffer: ReadBuffer): void {
  let taken = -1
  chosenRows.visit((address, replaced) => {
    const segment = window.segmentOf(address)
    const head = segment.headOf(address - segment.firstAddress)
    if (segment.firstAddress + head !== taken) readBuffer.take({ partition: window.number, segment }, head)
    taken = segment.firstAddress + head
    readBuffer.addReplaced(replaced)
  })
}

type Choose = (slot: number) => boolean

/** Goes through the slots of a run in order. */
function sweep(
  window: PartitionWindow,
  { begin, end }: SlotRange,
  { readBuffer, choose }: { readonly readBuffer: ReadBuffer; readonly choose: Choose },
): number {
  const last = Math.min(end, window.recent.slotCount)
  for (let slot = begin; slot < last; slot++) {
    if (readBuffer.steps <= 0 || !choose(slot)) return slot
    readBuffer.steps--
  }
  return end
}

function chooseAll(slots: Int32Array, { end }: SlotRange, choose: Choose): number {
  for (const slot of slots.toSorted()) if (!choose(slot)) return slot
  return end
}

interface Candidacy {
  readonly run: SlotRange
  readonly address: number
  readonly wanted: Wanted
}

/**
 * The slots of a run that may have to be read, where they can be told with much less work than looking at
 * each; not in order.
 */
function findCandidates(
  window: PartitionWindow,
  { run, address, wanted }: Candidacy,
): Int32Array | undefined {
  const { recent } = window
  const slots = Math.min(run.end, recent.slotCount) - run.begin
  const limit = Math.min(maxCandidates, slots / slotsPerLink)
  let count = 0
  const add = (slot: number): void => {
    if (slot >= run.begin && slot < run.end) candidates[count++] = slot
  }
  if (typeof wanted !== 'function' && wanted.size < limit) {
    for (const item of wanted) add(recent.slotOf(item))
    return candidates.subarray(0, count)
  }
  let walked = 0
  for (let slot = recent.newest; recent.lastOf(slot) >= address; slot = recent.older(slot)) {
    if (++walked > limit) return undefined
    add(slot)
  }
  return candidates.subarray(0, count)
}
