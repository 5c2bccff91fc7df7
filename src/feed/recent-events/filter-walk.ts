import type { PartitionWindow } from './partition-window.ts'
import type { EventFilter, ReadBuffer } from './read-buffer.ts'

/** How far the events of one item were looked at for a filter. */
export interface FilterWalk {
  /** The address of the last row that was looked at; -1 before the first. */
  readonly seen: number
  /** How many events passed, and the address of the newest of them. */
  readonly passed: number
  readonly newest: number
}

export interface WalkedItem {
  readonly filter: EventFilter
  /** The address of the item's first row that counts. */
  readonly first: number
  /** The address of its last row. */
  readonly last: number
}

export const notWalked: FilterWalk = { seen: -1, passed: 0, newest: -1 }

/**
 * Looks at the events of an item that were not looked at yet, oldest first, while the buffer has evaluations
 * left. The walk is complete if it has seen the last row.
 */
export function walkOn(
  window: PartitionWindow,
  readBuffer: ReadBuffer,
  walk: FilterWalk,
  { filter, first, last }: WalkedItem,
): FilterWalk {
  let { seen, passed, newest } = walk
  while (seen !== last && readBuffer.hasEvaluations) {
    seen = seen < 0 ? first : window.rowAfter(seen)
    const segment = window.segmentOf(seen)
    if (!readBuffer.passes(filter, segment, segment.headOf(seen - segment.firstAddress))) continue
    passed++
    newest = seen
  }
  return { seen, passed, newest }
}
