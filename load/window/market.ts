import { channelOfType, type MarketEvent } from '../../src/event/event.ts'
import { Items } from '../../src/feed/last-values/items.ts'
import type { Item } from '../../src/feed/last-values/item.ts'
import { EventBatch } from '../../src/feed/last-values/event-batch.ts'
import { generateTape } from '../../test/support/tape.ts'

const batchEvents = 500
const distinctEvents = 100_000

/** A generated market in batches, as ingest has them after one read of the log. It never ends: after a while it begins again, with higher offsets. */
export class Market {
  readonly items = new Items(1_000_000)
  readonly meanBytes: number
  readonly #batches: EventBatch[] = []
  #made = 0

  constructor(symbols: number) {
    const tape = generateTape({ seed: 1, symbols, events: distinctEvents })
    for (let from = 0; from < tape.length; from += batchEvents) {
      this.#batches.push(this.#batchOf(tape.slice(from, from + batchEvents)))
    }
    const bytes = this.#batches.reduce((sum, batch) => sum + batch.end(batch.count - 1), 0)
    this.meanBytes = bytes / tape.length - 1
  }

  /** The next events. */
  nextBatch(): EventBatch {
    const batch = this.#batches[(this.#made / batchEvents) % this.#batches.length]
    if (batch === undefined) throw new Error('the market is empty')
    for (let index = 0; index < batch.count; index++) batch.offsets[index] = this.#made++
    return batch
  }

  #batchOf(events: readonly MarketEvent[]): EventBatch {
    const batch = new EventBatch()
    for (const event of events) {
      const [first, ...others] = this.#itemsOf(event)
      if (first === undefined) throw new Error(`${event.T}: an event without an item`)
      const index = batch.append(JSON.stringify(event), first, { partition: 0, offset: 0 })
      if (others.length > 0) batch.others.set(index, others)
    }
    return batch
  }

  #itemsOf(event: MarketEvent): readonly Item[] {
    const symbols = event.T === 'n' ? (event.symbols.length === 0 ? [''] : event.symbols) : [event.S]
    return symbols.flatMap(symbol => this.items.admit(channelOfType[event.T], symbol, 0) ?? [])
  }
}
