import type { Feed } from '../../feed/feed.ts'
import { type Selection, wants } from '../../feed/selection.ts'
import { ReadBuffer } from '../../feed/recent-events/read-buffer.ts'
import type { Wanted } from '../../feed/recent-events/read-events.ts'
import type { Marks } from '../../wire/wire-form.ts'

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

/** What is read from memory at a time: used by one reader, and emptied before the loop has its turn. */
export const readBuffer = new ReadBuffer({ maxBytes: 131_072, maxEvents: 4096, maxSteps: 50_000 })

/** Items listed for a read at most; more are asked for one by one. */
const mostListed = 1000

/** The items of an interest: by number, so that their chains can be followed, where they are few enough to be listed for each read. */
export function wantedItems({ tape: { items } }: Feed, selection: Selection): Wanted {
  const numbers = new Set<number>()
  for (const [channel, symbols] of selection) {
    if (symbols === '*' || numbers.size + symbols.size > mostListed)
      return number => {
        const item = items.at(number)
        return item !== undefined && wants(selection, item.channel, item.symbol)
      }
    for (const symbol of symbols) {
      const item = items.find(channel, symbol)
      if (item !== undefined) numbers.add(item.number)
    }
  }
  return numbers
}

let everyIndex = new Uint32Array(4096)

/** The first so many events of a run. */
export function allOf(count: number): Marks {
  if (count > everyIndex.length) everyIndex = new Uint32Array(count * 2)
  if (everyIndex[count - 1] !== count - 1)
    for (let index = 0; index < everyIndex.length; index++) everyIndex[index] = index
  return { indices: everyIndex, count }
}
