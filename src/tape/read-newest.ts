import type { Excerpt } from './excerpt.ts'
import type { NewestCursor, SlotRun } from './newest-cursor.ts'
import type { Ahead, Lost, PartitionWindow } from './partition-window.ts'
import type { Read } from './read-events.ts'
import { Selection } from './selection.ts'
import { isWanted, type Wanted } from './wanted.ts'

/** What a conflating reader gets, and how far it is. */
export interface NewestReading {
  /** Moved on by the read. */
  readonly cursor: NewestCursor
  readonly wanted: Wanted
  readonly excerpt: Excerpt
}

/** What looking at the next item costs that has to be found in a map or by a link, counted in slots that are looked at in order. */
const slotsPerLink = 8
/** More candidates than this are not sorted, but found in order. */
const maxCandidates = 1024
/** Used by one read at a time. */
const selection = new Selection()
const candidates = new Int32Array(maxCandidates)

/**
 * Reads the newest event of every wanted item that has one since the cursor, with the number of events of that item that it
 * replaces (`Excerpt.replaced`), in the order of the log. A read that fills the excerpt is taken up where it ended, so each item has its
 * turn; between reads order holds for each item, not for the partition. An event of several items counts for each of them, and is
 * read again where they are not read together.
 */
export function readNewest(window: PartitionWindow, reading: NewestReading): Read | Lost | Ahead {
  const { cursor, excerpt } = reading
  const { from, to } = window
  const { lowest } = cursor
  if (cursor.highest > to) return { kind: 'ahead', to }
  if (lowest < from) {
    cursor.raise(from)
    return { kind: 'lost', from: lowest, to: from }
  }
  selection.clear()
  for (let runs = cursor.runs; runs > 0 && !excerpt.isFull; runs--) {
    cursor.settle(selectFrom(window, cursor.next, reading), to)
  }
  take(window, excerpt)
  excerpt.seal()
  return { kind: 'read', to: cursor.lowest }
}

/** Selects from one run; up to which slot. */
function selectFrom(window: PartitionWindow, run: SlotRun, { wanted, excerpt }: NewestReading): number {
  const address = window.addressAt(run.offset)
  if (address >= window.endAddress) return run.end
  const wants = isWanted(wanted)
  const { recent } = window
  const choose = (slot: number): boolean => {
    const last = recent.lastOf(slot)
    return last < address || !wants(recent.itemOf(slot)) || select(window, excerpt, { address, last })
  }
  const found = findCandidates(window, { run, address, wanted })
  return found === undefined ? sweep(window, run, { excerpt, choose }) : chooseAll(found, run, choose)
}

interface Chosen {
  readonly address: number
  readonly last: number
}

/** Selects an item's last row, if the excerpt has room for its event. */
function select(window: PartitionWindow, excerpt: Excerpt, { address, last }: Chosen): boolean {
  if (excerpt.isFull) return false
  const segment = window.segmentOf(last)
  const head = segment.headOf(last - segment.firstAddress)
  const bytes = segment.end(head) + 1 - segment.start(head)
  if (!excerpt.hasRoom(selection.count + 1, selection.bytes + bytes)) return false
  const replaced = window.rowsBetween(window.firstRowSince(address, last), last)
  excerpt.steps -= slotsPerLink * (1 + Math.min(window.segments.length, replaced))
  selection.add(last, replaced)
  selection.bytes += bytes
  return true
}

/** Takes what was selected, an event that was selected for several items once. */
function take(window: PartitionWindow, excerpt: Excerpt): void {
  let taken = -1
  selection.visit((address, replaced) => {
    const segment = window.segmentOf(address)
    const head = segment.headOf(address - segment.firstAddress)
    if (segment.firstAddress + head !== taken) excerpt.take({ partition: window.number, segment }, head)
    taken = segment.firstAddress + head
    excerpt.addReplaced(replaced)
  })
}

type Choose = (slot: number) => boolean

/** Goes through the slots of a run in order. */
function sweep(
  window: PartitionWindow,
  { begin, end }: SlotRun,
  { excerpt, choose }: { readonly excerpt: Excerpt; readonly choose: Choose },
): number {
  const last = Math.min(end, window.recent.slotCount)
  for (let slot = begin; slot < last; slot++) {
    if (excerpt.steps <= 0 || !choose(slot)) return slot
    excerpt.steps--
  }
  return end
}

function chooseAll(slots: Int32Array, { end }: SlotRun, choose: Choose): number {
  for (const slot of slots.toSorted()) if (!choose(slot)) return slot
  return end
}

interface Candidacy {
  readonly run: SlotRun
  readonly address: number
  readonly wanted: Wanted
}

/** The slots of a run that may have to be read, where they can be told with much less work than looking at each; not in order. */
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
