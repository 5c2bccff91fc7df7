import { NumberList } from '../number-list.ts'
import type { PartitionWindow } from './partition-window.ts'
import type { WindowSegment } from './window-segment.ts'

/**
 * A search for the newest event of an item that passes a test. It may take several turns of the event loop.
 */
export interface MatchSearch {
  /** The number of the item, whose events have no other item. */
  readonly item: number
  readonly passes: (event: Buffer) => boolean
  /** How many events may still be tested in this turn. */
  readonly budget: { left: number }
  readonly searched: SearchedRows
}

/** Rows of an item by their addresses, both included. */
interface RowRange {
  from: number
  readonly to: number
}

/**
 * The rows of an item that were looked at and do not pass. Rows that come in during a pause are looked at
 * first, so that there may be a range of newer rows above the ones before.
 */
export class SearchedRows {
  /** The newest rows first. */
  readonly #ranges: RowRange[]

  /** `row`: the address of the only row that is known not to pass; -1 if there is none. */
  constructor(row: number) {
    this.#ranges = row < 0 ? [] : [{ from: row, to: row }]
  }

  /** Begins or continues a search from the newest row on. */
  begin(newest: number): void {
    if ((this.#ranges[0]?.to ?? -1) < newest) this.#ranges.unshift({ from: newest + 1, to: newest })
  }

  /**
   * Whether all rows from an address down to another one were looked at. To be asked in the order of the
   * search, the newest rows first.
   */
  has(address: number, to = address): boolean {
    const [current, earlier] = this.#ranges
    if (current === undefined) return false
    if (earlier !== undefined && address <= earlier.to) {
      current.from = earlier.from
      this.#ranges.splice(1, 1)
    }
    return to >= current.from
  }

  /** Adds a row that comes next in the search, and does not pass. */
  add(address: number): void {
    const [current] = this.#ranges
    if (current !== undefined) current.from = address
  }
}

/** The rows of an item in one segment, while they are looked at. */
const rows = new NumberList()

/**
 * Returns the newest event of an item in a window that passes: a view that is valid until the next event.
 * `none`: no event passes. `paused`: the budget is used up, and the same search is to be continued, whatever
 * comes in or leaves the window meanwhile.
 */
export function findNewestMatch(window: PartitionWindow, search: MatchSearch): Buffer | 'none' | 'paused' {
  const { item, searched } = search
  const { recent } = window
  const newest = recent.lastOf(recent.slotOf(item))
  const floor = window.addressAt(window.from)
  searched.begin(newest)
  let last = newest
  while (last >= floor) {
    const segment = window.segmentOf(last)
    const first = firstInSegment(segment, last)
    if (!searched.has(last, first)) {
      listRows(segment, { first, last, floor })
      const found = findInSegment(segment, search)
      if (found !== 'none') return found
    }
    last = first - (segment.backs[first - segment.firstAddress] ?? 0)
    if (last === first) break
  }
  return 'none'
}

/** Looks at the listed rows of a segment, the newest first. */
function findInSegment(
  segment: WindowSegment,
  { passes, budget, searched }: MatchSearch,
): Buffer | 'none' | 'paused' {
  for (let place = rows.count - 1; place >= 0; place--) {
    const row = rows.at(place)
    if (searched.has(segment.firstAddress + row)) continue
    if (budget.left <= 0) return 'paused'
    budget.left--
    const event = segment.bytes.subarray(segment.start(row), segment.end(row))
    if (passes(event)) return event
    searched.add(segment.firstAddress + row)
  }
  return 'none'
}

/** Returns the address of an item's first row in a segment, from that of one of its rows there. */
function firstInSegment(segment: WindowSegment, address: number): number {
  const first = address - (segment.backs[address - segment.firstAddress] ?? 0)
  return first >= segment.firstAddress ? first : address
}

/**
 * Lists the rows of an item in a segment, from its first one there on, as far as they lie at or after a
 * floor.
 */
function listRows(
  segment: WindowSegment,
  { first, last, floor }: { readonly first: number; readonly last: number; readonly floor: number },
): void {
  rows.clear()
  for (let address = first; address <= last; ) {
    const row = address - segment.firstAddress
    if (address >= floor) rows.push(row)
    const next = segment.nexts[row] ?? 0
    if (next === 0) break
    address += next
  }
}
