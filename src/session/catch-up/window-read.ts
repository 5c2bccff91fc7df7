import type { Feed } from '../../feed/feed.ts'
import { type Selection, selects } from '../../feed/selection.ts'
import type { Wanted } from '../../feed/recent-events/read-events.ts'

/** Where a reader begins in a partition, by its number. */
export interface StartPosition {
  readonly number: number
  readonly offset: number
}

/** Offsets `[from, to)` of a partition, by its number. */
export interface OffsetRange {
  readonly number: number
  readonly from: number
  readonly to: number
}

/** Items listed for a read at most; more are asked for one by one. */
const mostListed = 1000

/** The items of an interest: by number, so that their chains can be followed, where they are few enough to be listed for each read. */
export function wantedItems({ lastValues: { items } }: Feed, selection: Selection): Wanted {
  const numbers = new Set<number>()
  for (const [channel, symbols] of selection) {
    if (symbols === '*' || numbers.size + symbols.size > mostListed)
      return number => {
        const item = items.at(number)
        return item !== undefined && selects(selection, item.channel, item.symbol)
      }
    for (const symbol of symbols) {
      const item = items.find(channel, symbol)
      if (item !== undefined) numbers.add(item.number)
    }
  }
  return numbers
}
