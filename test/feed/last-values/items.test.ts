import { describe, expect, test } from 'vitest'
import type { Item } from '../../../src/feed/last-values/item.ts'
import { type ItemUse, Items } from '../../../src/feed/last-values/items.ts'

/** Items of trades, of which some are used. */
class ItemsFixture {
  readonly items: Items
  readonly uses = new Map<string, ItemUse>()
  readonly forgotten: string[] = []
  asked = 0

  constructor(limit: number) {
    this.items = new Items(limit)
    this.items.useOf = ({ symbol }) => {
      this.asked++
      return this.uses.get(symbol) ?? 'none'
    }
    this.items.onForgotten = ({ symbol }) => this.forgotten.push(symbol)
  }

  admit(...symbols: string[]): Item[] {
    return symbols.map(symbol => this.items.admit('trades', symbol, 0))
  }

  get kept(): string[] {
    return [...this.items.of('trades').keys()].toSorted()
  }
}

describe('a further item', () => {
  test('takes the place and the number of the one that has been idle longest', () => {
    const fixture = new ItemsFixture(3)
    const [a, b] = fixture.admit('A', 'B', 'C', 'A')
    const [d] = fixture.admit('D')
    expect([fixture.kept, fixture.forgotten]).toEqual([['A', 'C', 'D'], ['B']])
    expect([d!.number, fixture.items.at(b!.number)]).toEqual([b!.number, d])
    expect(fixture.items.find('trades', 'B')).toBeUndefined()
    expect(fixture.items.at(a!.number)).toBe(a)
  })

  test('does not displace a used item, however idle it is', () => {
    const fixture = new ItemsFixture(3)
    fixture.uses.set('A', 'named').set('B', 'untold')
    fixture.admit('A', 'B', 'C', 'D', 'E', 'F')
    expect([fixture.kept, fixture.forgotten]).toEqual([
      ['A', 'B', 'F'],
      ['C', 'D', 'E'],
    ])
  })

  test('takes the place of an item whose use has ended, before those of items in use', () => {
    const fixture = new ItemsFixture(3)
    fixture.uses.set('A', 'named')
    fixture.admit('A', 'B', 'C', 'D')
    fixture.uses.clear()
    fixture.admit('E')
    expect(fixture.forgotten).toEqual(['B', 'A'])
  })

  test('takes the place of an item whose events are all delivered, if all items are used', () => {
    const fixture = new ItemsFixture(3)
    fixture.uses.set('A', 'untold').set('B', 'named').set('C', 'untold').set('D', 'untold')
    fixture.admit('A', 'B', 'C', 'D')
    expect([fixture.kept, fixture.items.forgotten]).toEqual([
      ['A', 'C', 'D'],
      { none: 0, named: 1, untold: 0 },
    ])
    fixture.admit('E')
    expect([fixture.items.size, fixture.items.forgotten.untold]).toEqual([3, 1])
  })

  test('that is older than all others is the first to go, and displaces none', () => {
    const fixture = new ItemsFixture(2)
    fixture.admit('A')
    expect(fixture.items.admitOlder('trades', 'OLD', 0)?.symbol).toBe('OLD')
    expect(fixture.items.admitOlder('trades', 'OLDER', 0)).toBeUndefined()
    fixture.admit('B')
    expect(fixture.forgotten).toEqual(['OLD'])
  })
})

// Cause: for a further item all others were looked at, idlest first, until one was found that nobody uses.
// Symptom: where clients name all of 200,000, no turn of the loop for as long as that took; again whenever
// many had had an event.
// Seen: reading, for loops whose length grows with what clients do.
test('a further item looks at a bounded number of others, however many are used', () => {
  const fixture = new ItemsFixture(20_000)
  const symbols = Array.from({ length: 20_000 }, (_, index) => `S${index}`)
  for (const symbol of symbols) fixture.uses.set(symbol, 'named')
  fixture.admit(...symbols)
  for (let further = 0; further < 4; further++) {
    fixture.asked = 0
    fixture.admit(`F${further}`)
    expect(fixture.asked).toBeLessThan(5000)
  }
  expect([fixture.items.size, fixture.forgotten.length]).toEqual([20_000, 4])
})

test('the items of one event are all kept, even if they exceed the limit', () => {
  const fixture = new ItemsFixture(2)
  fixture.admit('A', 'B')
  const items = fixture.items.admitAll('news', ['X', 'Y', 'Z'], 0)
  expect(new Set(items.map(({ number }) => number)).size).toBe(3)
  expect(items.map(item => fixture.items.at(item.number))).toEqual(items)
  // One that is known is none of those that make room.
  expect(fixture.items.admitAll('news', ['N', 'X'], 0)[0]).toBe(items[0])
})

// Cause: an item kept its place for ever.
// Symptom: a node that had met as many symbols as it may keep refused every new one until it was started
// again.
// Seen: at TICKER_MAX_ITEMS=10; options, of which there are new ones each day, would have come to that within
// months.
test('a million new items, a third used for a while, stay within the limit', () => {
  const fixture = new ItemsFixture(1000)
  for (let day = 0; day < 1000; day++) {
    fixture.uses.clear()
    for (let symbol = 0; symbol < 1000; symbol += 3) fixture.uses.set(`${day}/${symbol}`, 'named')
    for (let symbol = 0; symbol < 1000; symbol++) {
      const [item] = fixture.admit(`${day}/${symbol}`)
      if (item!.number >= 1000) throw new Error(`number ${item!.number}`)
    }
  }
  expect([fixture.items.size, fixture.kept.length]).toEqual([1000, 1000])
  expect(fixture.items.forgotten).toMatchObject({ untold: 0 })
  // What is done for one item does not grow with their number.
  expect(fixture.asked).toBeLessThan(6_000_000)
})
