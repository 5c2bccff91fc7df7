import type { Channel, MarketEvent } from '../../event/event.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import { perChannel } from '../last-values/last-value-cache.ts'
import type { Selection } from '../selection.ts'
import type { ConflationInterval } from './conflation-interval.ts'

/** Intervals, each with the number of its audiences. */
type AudienceCounts = Map<ConflationInterval, number>

/** An event of the batch under way. */
export interface BatchEvent {
  readonly batch: EventBatch
  readonly index: number
  readonly event: MarketEvent
}

const none: AudienceCounts = new Map()

/**
 * The intervals that have a filter, by the names that their audiences select, so that an event meets only
 * those that select its item. `'*'` is a name, too.
 */
export class FilteredIntervals {
  readonly #byName: Readonly<Record<Channel, Map<string, AudienceCounts>>> = perChannel(() => new Map())
  #audiences = 0

  get isEmpty(): boolean {
    return this.#audiences === 0
  }

  /** Whether any audience selects this very name. */
  has(channel: Channel, name: string): boolean {
    return this.#byName[channel].has(name)
  }

  /** Adds an audience of an interval. */
  add(interval: ConflationInterval, { symbols }: Selection): void {
    this.#audiences++
    for (const [channel, names] of symbols) {
      for (const name of names) {
        const counts = this.#byName[channel].get(name) ?? new Map<ConflationInterval, number>()
        this.#byName[channel].set(name, counts.set(interval, (counts.get(interval) ?? 0) + 1))
      }
    }
  }

  /** Removes an audience of an interval. */
  remove(interval: ConflationInterval, { symbols }: Selection): void {
    this.#audiences--
    for (const [channel, names] of symbols) {
      for (const name of names) {
        const counts = this.#of(channel, name)
        const rest = (counts.get(interval) ?? 0) - 1
        if (rest > 0) counts.set(interval, rest)
        else counts.delete(interval)
        if (counts.size === 0) this.#byName[channel].delete(name)
      }
    }
  }

  /** Counts an event of an item in the intervals that select the item and whose filter the event passes. */
  mark(item: Item, { batch, index, event }: BatchEvent): void {
    for (const interval of this.select(item))
      if (interval.filter?.accepts(event) === true) interval.mark(item.number, batch, index)
  }

  /** The intervals that select an item, each once. */
  *select({ channel, symbol }: Item): Generator<ConflationInterval, void> {
    const ofAll = this.#of(channel, '*')
    yield* ofAll.keys()
    for (const interval of this.#of(channel, symbol).keys()) if (!ofAll.has(interval)) yield interval
  }

  #of(channel: Channel, name: string): AudienceCounts {
    return this.#byName[channel].get(name) ?? none
  }
}
