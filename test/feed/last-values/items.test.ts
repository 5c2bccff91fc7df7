import { describe, expect, test } from 'vitest'
import type { Item } from '../../../src/feed/last-values/item.ts'
import { type Claim, Items } from '../../../src/feed/last-values/items.ts'

/** Items of trades, of which some are claimed. */
class Stage {
  readonly items: Items
  readonly claims = new Map<string, Claim>()
  readonly forgotten: string[] = []
  asked = 0

  constructor(limit: number) {
    this.items = new Items(limit)
    this.items.claimOf = ({ symbol }) => {
      this.asked++
      return this.claims.get(symbol) ?? 'none'
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
    const stage = new Stage(3)
    const [a, b] = stage.admit('A', 'B', 'C', 'A')
    const [d] = stage.admit('D')
    expect([stage.kept, stage.forgotten]).toEqual([['A', 'C', 'D'], ['B']])
    expect([d!.number, stage.items.at(b!.number)]).toEqual([b!.number, d])
    expect(stage.items.find('trades', 'B')).toBeUndefined()
    expect(stage.items.at(a!.number)).toBe(a)
  })

  test('leaves one its place that is claimed, however idle it is', () => {
    const stage = new Stage(3)
    stage.claims.set('A', 'named').set('B', 'untold')
    stage.admit('A', 'B', 'C', 'D', 'E', 'F')
    expect([stage.kept, stage.forgotten]).toEqual([
      ['A', 'B', 'F'],
      ['C', 'D', 'E'],
    ])
  })

  test('takes the place of one that is not claimed any more, before others that are in use', () => {
    const stage = new Stage(3)
    stage.claims.set('A', 'named')
    stage.admit('A', 'B', 'C', 'D')
    stage.claims.clear()
    stage.admit('E')
    expect(stage.forgotten).toEqual(['B', 'A'])
  })

  test('takes the place of one of which all is told, where all are claimed', () => {
    const stage = new Stage(3)
    stage.claims.set('A', 'untold').set('B', 'named').set('C', 'untold').set('D', 'untold')
    stage.admit('A', 'B', 'C', 'D')
    expect([stage.kept, stage.items.forgotten]).toEqual([['A', 'C', 'D'], { none: 0, named: 1, untold: 0 }])
    stage.admit('E')
    expect([stage.items.size, stage.items.forgotten.untold]).toEqual([3, 1])
  })

  test('from before all others is the first to go, and takes nobody its place', () => {
    const stage = new Stage(2)
    stage.admit('A')
    expect(stage.items.admitOlder('trades', 'OLD', 0)?.symbol).toBe('OLD')
    expect(stage.items.admitOlder('trades', 'OLDER', 0)).toBeUndefined()
    stage.admit('B')
    expect(stage.forgotten).toEqual(['OLD'])
  })
})

// Cause: for a further item all others were looked at, idlest first, until one was found that nobody claims.
// Symptom: where clients name all of 200,000, no turn of the loop for as long as that took; again whenever many had had an event.
// Seen: reading, for loops whose length grows with what clients do.
test('looks at a bounded number of others for its place, however many are claimed', () => {
  const stage = new Stage(20_000)
  const symbols = Array.from({ length: 20_000 }, (_, index) => `S${index}`)
  for (const symbol of symbols) stage.claims.set(symbol, 'named')
  stage.admit(...symbols)
  for (let further = 0; further < 4; further++) {
    stage.asked = 0
    stage.admit(`F${further}`)
    expect(stage.asked).toBeLessThan(5000)
  }
  expect([stage.items.size, stage.forgotten.length]).toEqual([20_000, 4])
})

test('the items of one event all have a place, though there be more than there may be', () => {
  const stage = new Stage(2)
  stage.admit('A', 'B')
  const items = stage.items.admitAll('news', ['X', 'Y', 'Z'], 0)
  expect(new Set(items.map(({ number }) => number)).size).toBe(3)
  expect(items.map(item => stage.items.at(item.number))).toEqual(items)
  // One that is known is none of those that make room.
  expect(stage.items.admitAll('news', ['N', 'X'], 0)[0]).toBe(items[0])
})

// Cause: an item kept its place for ever.
// Symptom: a node that had met as many symbols as it may keep refused every new one until it was started again.
// Seen: at TICKER_MAX_ITEMS=10; options, of which there are new ones each day, would have come to that within months.
test('a million new items, a third of which are claimed for a while, take no more places than there are', () => {
  const stage = new Stage(1000)
  for (let day = 0; day < 1000; day++) {
    stage.claims.clear()
    for (let symbol = 0; symbol < 1000; symbol += 3) stage.claims.set(`${day}/${symbol}`, 'named')
    for (let symbol = 0; symbol < 1000; symbol++) {
      const [item] = stage.admit(`${day}/${symbol}`)
      if (item!.number >= 1000) throw new Error(`number ${item!.number}`)
    }
  }
  expect([stage.items.size, stage.kept.length]).toEqual([1000, 1000])
  expect(stage.items.forgotten).toMatchObject({ untold: 0 })
  // What is done for one item does not grow with their number.
  expect(stage.asked).toBeLessThan(6_000_000)
})
