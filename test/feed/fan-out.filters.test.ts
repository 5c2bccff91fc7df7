import fc from 'fast-check'
import { expect, test } from 'vitest'
import { channelOfType, channels, type Channel, type MarketEvent } from '../../src/event/event.ts'
import { ActiveFilters, type FiltersByChannel } from '../../src/feed/active-filters.ts'
import type { Audience, Subscriber } from '../../src/feed/fan-out/audience.ts'
import { Selection } from '../../src/feed/selection.ts'
import { type Filter, parseFilter } from '../../src/filter/filter.ts'
import { createTestFeed } from '../support/defaults.ts'
import { FormReader } from '../support/form-reader.ts'
import { generateTape } from '../support/tape.ts'

const market = [...generateTape({ seed: 15, symbols: 8, events: 400 })]
const symbols = [...new Set(market.flatMap(event => (event.T === 'n' ? event.symbols : [event.S])))]

/** What a reader wants of one channel. */
interface Wish {
  readonly names: readonly string[]
  readonly filter: Filter | undefined
}

const filtersOf: Partial<Record<Channel, readonly object[]>> = {
  trades: [{ s: { gte: 100 } }, { c: { has: '@' } }, { s: { lt: 0 } }],
  quotes: [{ spread: { lte: 0.02 } }, { bs: { gt: 2 } }],
  news: [{ symbols: { has: symbols[0] } }],
}
const filters = new Map(
  Object.entries(filtersOf).map(([channel, all]) => [
    channel,
    all.map(where => {
      const filter = parseFilter(channel as Channel, where)
      if ('fault' in filter) throw new Error(filter.fault)
      return filter
    }),
  ]),
)
const names = fc.oneof(
  fc.constant(['*']),
  fc.uniqueArray(fc.constantFrom(...symbols), { minLength: 1, maxLength: 5 }),
)
const wishOf = (channel: Channel): fc.Arbitrary<Wish> =>
  fc.record({ names, filter: fc.constantFrom(undefined, ...(filters.get(channel) ?? [])) })
const wishes = fc.array(
  fc.constantFrom(...channels).chain(channel => fc.tuple(fc.constant(channel), wishOf(channel))),
  { maxLength: 4 },
)
const step = fc.record({
  reader: fc.nat(4),
  wishes: wishes.map(entries => new Map(entries)),
  /** Trades, corrections and cancels with the same set of names, as a subscription to trades has them. */
  isShared: fc.boolean(),
  events: fc.nat(60),
})

class Reader implements Subscriber {
  readonly expected: MarketEvent[] = []
  readonly received: unknown[] = []
  wishes: ReadonlyMap<Channel, Wish> = new Map()
  filters: FiltersByChannel = new Map()
  audience: Audience | undefined
  readonly #frames = new FormReader()

  deliver({ bytes }: { readonly bytes: Buffer }): void {
    const messages = this.#frames.messagesOf(bytes, false)
    this.received.push(...messages.filter(({ T }) => T !== 'coverage'))
  }

  wants(event: MarketEvent): boolean {
    const wish = this.wishes.get(channelOfType[event.T])
    if (wish === undefined) return false
    const own = event.T === 'n' ? event.symbols : [event.S]
    const isNamed = wish.names.includes('*') || own.some(symbol => wish.names.includes(symbol))
    return isNamed && (wish.filter?.matches(event) ?? true)
  }
}

function selectionOf(reader: Reader, isShared: boolean): Selection {
  const trades = reader.wishes.get('trades')?.names
  const shared = trades?.includes('*') === true ? '*' : new Set(trades)
  const selected = [...reader.wishes].map(([channel, wish]) => {
    const set = wish.names.includes('*') ? ('*' as const) : new Set(wish.names)
    return [channel, isShared && wish.names === trades ? shared : set] as const
  })
  return new Selection(new Map(selected), reader.filters)
}

test('each reader receives what passes its filters, each of which is asked once an event', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), steps => {
      const feed = createTestFeed()
      const [form] = feed.forms
      const active = new ActiveFilters({ maxFilters: 100 })
      const readers = Array.from({ length: 5 }, () => new Reader())
      let at = 0
      for (const { reader: index, wishes: wanted, isShared, events } of steps) {
        const reader = readers[index]!
        if (reader.audience !== undefined) feed.fanOut.leave(reader, reader.audience)
        const trades = wanted.get('trades')
        const led = new Map(
          isShared && trades !== undefined
            ? [...wanted, ['corrections', { ...trades, filter: undefined }] as const]
            : wanted,
        )
        reader.wishes = led
        const exchanged = active.exchange(
          reader.filters,
          [...led.values()].flatMap(({ filter }) => filter ?? []),
        )
        if (typeof exchanged === 'string') throw new Error(`too many filters of the ${exchanged}`)
        reader.filters = exchanged
        const selection = selectionOf(reader, isShared)
        reader.audience = selection.size > 0 ? feed.fanOut.join(reader, selection, form) : undefined
        const batch = market.slice(at, (at += events))
        for (const each of readers) each.expected.push(...batch.filter(event => each.wants(event)))
        const before = active.evaluations
        for (const event of batch) feed.add(event, { partition: 0, offset: at, writtenMs: 0 })
        feed.flush()
        const most = batch.length * active.size
        expect(active.evaluations - before).toBeLessThanOrEqual(most)
      }
      for (const { received, expected } of readers) expect(received).toEqual(expected)
      for (const reader of readers) {
        if (reader.audience !== undefined) feed.fanOut.leave(reader, reader.audience)
        active.release(reader.filters)
      }
      expect([feed.fanOut.subscribedItems, active.size]).toEqual([0, 0])
    }),
    { numRuns: 100 },
  )
})
