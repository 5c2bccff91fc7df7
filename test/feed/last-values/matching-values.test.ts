import { expect, test } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { MatchingValues } from '../../../src/feed/last-values/matching-values.ts'
import { createTestFeed } from '../../support/defaults.ts'

const t = '2026-01-02T14:30:00Z'

/** A feed with so many quotes of each of so many symbols, and its values on an event loop that waits. */
function createNode({ symbols, quotes }: { readonly symbols: number; readonly quotes: number }) {
  const feed = createTestFeed()
  const partition = { topic: 'market.quotes', partition: 0 }
  feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
  let offset = 0
  for (let quote = 0; quote < quotes; quote++) {
    for (let symbol = 0; symbol < symbols; symbol++) {
      const event = { T: 'q', S: `S${symbol}`, bp: quote, bs: 1, ap: quote, as: 1, t } as const
      feed.add(event, { partition: 0, offset: offset++, writtenMs: 0 })
    }
    feed.flush()
  }
  const turns: (() => void)[] = []
  const values = new MatchingValues({
    lastValues: feed.lastValues,
    window: feed.window,
    nextTurn: work => turns.push(work),
  })
  return { feed, values, turn: () => turns.shift()?.() }
}

/** A filter that counts how often it is asked. */
function createFilter(passes: (bp: number) => boolean) {
  const filter = {
    asked: 0,
    matches: (event: MarketEvent) => {
      filter.asked++
      return event.T === 'q' && passes(event.bp)
    },
  }
  return filter
}

test('all snapshots together test a thousand events in a turn of the event loop', () => {
  const { values, turn } = createNode({ symbols: 10_000, quotes: 5 })
  const filters = [createFilter(() => false), createFilter(bp => bp === 0)]
  const snapshots = filters.map(filter =>
    values.snapshot({ channel: 'quotes', symbols: '*', filter }, () => undefined),
  )
  const found = [0, 0]
  let asked = 0
  for (let open = 2; open > 0; turn()) {
    for (const [place, snapshot] of snapshots.entries()) {
      for (let next = snapshot.next(); next.value !== undefined; next = snapshot.next()) found[place]!++
    }
    const sum = filters.reduce((all, filter) => all + filter.asked, 0)
    expect(sum - asked).toBeLessThanOrEqual(1000)
    open = sum === asked ? 0 : open
    asked = sum
  }
  expect(found).toEqual([0, 10_000])
  expect(asked).toBe(100_000)
})

test('an item whose last event passes costs one test', () => {
  const { values } = createNode({ symbols: 10, quotes: 50 })
  const filter = createFilter(bp => bp >= 10)
  const found = [...values.snapshot({ channel: 'quotes', symbols: ['S3', 'S7'], filter }, () => undefined)]
  expect(found.map(event => JSON.parse(String(event)))).toMatchObject([
    { S: 'S3', bp: 49 },
    { S: 'S7', bp: 49 },
  ])
  expect(filter.asked).toBe(2)
})

test('of the articles that are kept, those that pass', () => {
  const { feed, values } = createNode({ symbols: 0, quotes: 0 })
  for (let id = 0; id < 12; id++) {
    const news = { T: 'n', id, headline: 'x', created_at: t, symbols: ['A'] } as const
    feed.add(news, { partition: 0, offset: id, writtenMs: id })
  }
  const filter = { matches: (event: object) => 'id' in event && Number(event.id) % 3 === 0 }
  const found = [...values.snapshot({ channel: 'news', symbols: ['A'], filter }, () => undefined)]
  expect(found.map(event => JSON.parse(String(event)).id)).toEqual([3, 6, 9])
})

test('a forgotten item takes older events of others along, and since says so', () => {
  const feed = createTestFeed({ maxItems: 2 })
  feed.advance({ partition: { topic: 'market.quotes', partition: 0 }, epoch: 'e', offset: 0 }, 0)
  const values = new MatchingValues({ lastValues: feed.lastValues, window: feed.window })
  const arrivals = [
    { S: 'B', bp: 1, writtenMs: 900 },
    { S: 'A', bp: 1, writtenMs: 100 },
    { S: 'B', bp: 2, writtenMs: 1000 },
    { S: 'C', bp: 2, writtenMs: 1000 },
  ]
  feed.tick(1000)
  for (const [offset, { S, bp, writtenMs }] of arrivals.entries()) {
    const event = { T: 'q', S, bp, bs: 1, ap: bp, as: 1, t } as const
    feed.add(event, { partition: 0, offset, writtenMs })
  }
  feed.flush()
  const since: number[] = []
  const request = { channel: 'quotes', symbols: ['B'], filter: createFilter(bp => bp === 1) } as const
  expect([...values.snapshot(request, ms => since.push(ms))]).toEqual([])
  expect(since).toEqual([1001])
})
