import { CheckedEventParser } from '../../event/checked-event-parser.ts'
import type { Channel } from '../../event/event.ts'
import type { Filter } from '../../filter/filter.ts'
import { findNewestMatch, SearchedRows } from '../recent-events/newest-match.ts'
import type { PartitionWindow } from '../recent-events/partition-window.ts'
import type { RecentEvents } from '../recent-events/recent-events.ts'
import type { Item } from './item.ts'
import type { LastValueCache } from './last-value-cache.ts'

/** 1000 events are tested in some 2 ms. */
const defaultTests = 1000
/** An article of so many bytes takes as long as one other event. */
const bytesPerTest = 1024

export interface MatchingValuesOptions {
  readonly lastValues: LastValueCache
  readonly window: RecentEvents
  /** How many events all snapshots together test in one turn of the event loop. */
  readonly testsPerTurn?: number
  /** Calls its argument in the next turn of the event loop. */
  readonly nextTurn?: (work: () => void) => void
}

/** What is wanted of a channel that has a filter. */
export interface MatchingRequest {
  readonly channel: Channel
  /** `'*'`: all. */
  readonly symbols: Iterable<string> | '*'
  readonly filter: Pick<Filter, 'matches'>
}

/**
 * The current values of filtered channels: each item's newest event that passes, as far as the node holds it
 * in memory, its last event or one of the recent events. Of articles, those of the last ones that pass.
 */
export class MatchingValues {
  readonly #lastValues: LastValueCache
  readonly #window: RecentEvents
  readonly #nextTurn: (work: () => void) => void
  readonly #parser = new CheckedEventParser()
  readonly #testsPerTurn: number
  readonly #budget: { left: number }
  #isRenewed = false

  constructor(options: MatchingValuesOptions) {
    const { lastValues, window, testsPerTurn = defaultTests, nextTurn = setImmediate } = options
    this.#lastValues = lastValues
    this.#window = window
    this.#testsPerTurn = testsPerTurn
    this.#budget = { left: testsPerTurn }
    this.#nextTurn = nextTurn
  }

  /**
   * Returns views that are valid until the next event. `undefined` among them: those that are not found yet
   * take another turn of the event loop. `onMissing`: called where an event that passes may have left the
   * memory, with the time since which none has, in ms on a monotonic clock.
   */
  *snapshot(
    request: MatchingRequest,
    onMissing: (sinceMs: number) => void,
  ): Generator<Buffer | undefined, void> {
    const { channel, symbols, filter } = request
    if (channel === 'news') {
      for (const article of this.#lastValues.snapshot(channel, symbols)) {
        while (!this.#mayTest()) yield undefined
        this.#budget.left -= Math.ceil(article.length / bytesPerTest)
        if (filter.matches(this.#parser.parse(article))) yield article
      }
      return
    }
    const passes = (event: Buffer): boolean => filter.matches(this.#parser.parse(event))
    for (const item of this.#lastValues.itemsOf(channel, symbols)) {
      const search = new ItemSearch(item, passes)
      let found = this.#find(search)
      for (; found === 'paused'; found = this.#find(search)) yield undefined
      if (found !== 'none') yield found
      else this.#noteMissing(item, onMissing)
    }
  }

  #find(search: ItemSearch): Buffer | 'none' | 'paused' {
    const { item, passes } = search
    // Another item may have the number now.
    if (this.#lastValues.items.at(item.number) !== item) return 'none'
    if (!this.#mayTest()) return 'paused'
    if (search.rejected?.equals(item.last) !== true) {
      this.#budget.left--
      if (passes(item.last)) return item.last
    }
    let newest: Buffer | undefined
    for (const window of this.#window.windowsOf(item)) {
      const searched = search.searchedIn(window)
      // What was found in one window is found again after a pause: each needs a test to get any further.
      if (item.isSplit) this.#budget.left = Math.max(1, this.#budget.left)
      const found = findNewestMatch(window, { item: item.number, passes, budget: this.#budget, searched })
      if (found === 'paused') {
        search.rejected = Buffer.from(item.last)
        return found
      }
      if (found !== 'none' && this.#isNewer(found, newest)) newest = found
    }
    return newest ?? 'none'
  }

  /** Of items that were seen in several partitions. */
  #isNewer(event: Buffer, other: Buffer | undefined): boolean {
    return other === undefined || this.#timeOf(event) > this.#timeOf(other)
  }

  #timeOf(event: Buffer): number {
    const parsed = this.#parser.parse(event)
    return 't' in parsed ? Date.parse(parsed.t) : 0
  }

  #noteMissing(item: Item, onMissing: (sinceMs: number) => void): void {
    const missesMs = this.#window.missesMs(item)
    if (missesMs !== undefined) onMissing(missesMs + 1)
  }

  /** Whether this turn of the event loop has time for a test. */
  #mayTest(): boolean {
    if (!this.#isRenewed) {
      this.#isRenewed = true
      this.#nextTurn(() => {
        this.#isRenewed = false
        this.#budget.left = this.#testsPerTurn
      })
    }
    return this.#budget.left > 0
  }
}

/** A search for an item's newest event that passes. */
class ItemSearch {
  readonly item: Item
  readonly passes: (event: Buffer) => boolean
  /** The item's last event when the search was paused. */
  rejected: Buffer | undefined
  readonly #searched = new Map<PartitionWindow, SearchedRows>()

  constructor(item: Item, passes: (event: Buffer) => boolean) {
    this.item = item
    this.passes = passes
  }

  /** The rows of a window that were looked at. Its last one, as a rule, is the item's last event. */
  searchedIn(window: PartitionWindow): SearchedRows {
    let searched = this.#searched.get(window)
    if (searched === undefined) {
      const { isSplit, number } = this.item
      searched = new SearchedRows(isSplit ? -1 : window.recent.lastOf(window.recent.slotOf(number)))
      this.#searched.set(window, searched)
    }
    return searched
  }
}
