import type { Feed } from '../../feed/feed.ts'
import type { FilterOfItem, ItemFilter } from '../../feed/recent-events/read-events.ts'
import type { Selection } from '../../feed/selection.ts'

/** Where a reader begins in a partition. */
export interface StartPosition {
  /** Of the partition. */
  readonly number: number
  readonly offset: number
}

/** Returns the filters of a selection by item; `undefined` if it has none. */
export function filtersOfItems(
  { lastValues: { items } }: Feed,
  selection: Selection,
): FilterOfItem | undefined {
  if (!selection.isFiltered) return undefined
  return number => {
    const item = items.at(number)
    return item && selection.filterOf(item.channel)
  }
}

/** Of a larger selection the items are not listed for a read, but asked for one by one. */
const mostListed = 1000

/**
 * Returns the items of a selection: a list of their numbers where it is short, so that their events can be
 * followed; otherwise a test.
 */
export function wantedItems({ lastValues: { items } }: Feed, selection: Selection): ItemFilter {
  const numbers = new Set<number>()
  for (const [channel, symbols] of selection.symbols) {
    if (symbols === '*' || numbers.size + symbols.size > mostListed)
      return number => {
        const item = items.at(number)
        return item !== undefined && selection.selects(item.channel, item.symbol)
      }
    for (const symbol of symbols) {
      const item = items.find(channel, symbol)
      if (item !== undefined) numbers.add(item.number)
    }
  }
  return numbers
}
