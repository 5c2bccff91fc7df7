import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createDemoMarket } from '../../src/demo/demo-market.ts'
import { channelOfType, channels, type MarketEvent } from '../../src/event/event.ts'
import { parseEvent } from '../../src/event/parse-event.ts'
import { isBar, isLate, liveThrough, pricesOf, show, startMs, symbolOf } from './demo-session.ts'

function digest(events: readonly MarketEvent[]): string {
  const hash = createHash('sha256')
  for (const event of events) hash.update(JSON.stringify(event))
  return hash.digest('hex')
}

function isCents(price: number): boolean {
  return price > 0 && /^\d+(\.\d{1,2})?$/.test(String(price))
}

function isAverage(price: number | undefined): boolean {
  return /^\d+(\.\d{1,6})?$/.test(String(price))
}

/** How many events each whole second since the start had. */
function countPerSecond(seed: number, seconds: number): number[] {
  const market = createDemoMarket({ seed, startMs })
  return Array.from({ length: seconds }, (_, second) => market.advance(startMs + (second + 1) * 1000).length)
}

describe('a seed', () => {
  test('repeats its market event by event', () => {
    expect(digest(liveThrough(1, 3))).toBe(digest(liveThrough(1, 3)))
  })

  test('gives the same events in whatever steps time is taken', () => {
    const market = createDemoMarket({ seed: 2, startMs })
    const events: MarketEvent[] = []
    for (let ms = 0; ms < 60_000; ms += ms % 7 === 0 ? 10 : 3) events.push(...market.advance(startMs + ms))
    events.push(...market.advance(startMs + 60_000))
    expect(digest(events)).toBe(digest(liveThrough(2, 1)))
  })

  test.each([1, 2 ** 32, 2 ** 40 + 1])('gives another market than 0: %d', seed => {
    expect(digest(liveThrough(seed, 0.1))).not.toBe(digest(liveThrough(0, 0.1)))
  })
})

describe('the rate', () => {
  test.each([1, 2, 3])('is about 1,000 events a second, with bursts to 5,000 (seed %d)', seed => {
    const counts = countPerSecond(seed, 600)
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    expect(mean).toBeGreaterThan(900)
    expect(mean).toBeLessThan(1200)
    // The opening is in the first seconds: bursts come later, too.
    const most = Math.max(...counts.slice(15))
    expect(most).toBeGreaterThan(4000)
    expect(Math.max(...counts)).toBeLessThan(6000)
    expect(Math.min(...counts)).toBeGreaterThan(300)
  })

  test('opens with a rush that fades', () => {
    const counts = countPerSecond(1, 20)
    expect(counts[0]).toBeGreaterThan(3000)
    expect(Math.max(...counts.slice(12))).toBeLessThan(2000)
  })
})

describe('ten minutes of market', () => {
  const events = liveThrough(1, 10)
  const counts = new Map<string, number>()
  for (const { T } of events) counts.set(T, (counts.get(T) ?? 0) + 1)

  test('have three quarters quotes and about 22 % trades', () => {
    expect(counts.get('q')! / events.length).toBeCloseTo(0.76, 1)
    expect(counts.get('t')! / events.length).toBeGreaterThan(0.2)
    expect(counts.get('t')! / events.length).toBeLessThan(0.25)
  })

  test('have events on every channel', () => {
    const seen = new Set(events.map(({ T }) => channelOfType[T]))
    expect(channels.filter(channel => !seen.has(channel))).toEqual([])
  })

  test('are events as the gateway takes them, down to the last field', () => {
    expect(events.find(event => parseEvent(event) !== event)).toBeUndefined()
  })

  test('survive JSON unchanged', () => {
    const sample = events.filter((_, index) => index % 97 === 0)
    expect(JSON.parse(JSON.stringify(sample))).toEqual(sample)
  })

  test('have most of their trades in the first names and the last ones every few minutes', () => {
    const trades = new Map<string, number>()
    for (const event of events) if (event.T === 't') trades.set(event.S, (trades.get(event.S) ?? 0) + 1)
    const { symbols } = createDemoMarket({ seed: 1, startMs })
    expect(symbols).toHaveLength(300)
    expect(trades.get('AAPL')! / 600).toBeGreaterThan(15)
    const last = symbols.slice(-30).reduce((sum, symbol) => sum + trades.get(symbol)!, 0) / 30
    expect(last).toBeGreaterThan(2)
    expect(last).toBeLessThan(15)
  })

  test('never go back in time, but for late trades', () => {
    let last = ''
    const wrong = events.filter(event => {
      if (event.T === 'n' || isBar(event)) return false
      if (event.T === 't' && isLate(event)) return false
      const isBack = event.t < last
      last = event.t
      return isBack
    })
    expect(wrong).toEqual([])
  })

  test('have times to the nanosecond in the simulated interval', () => {
    const end = new Date(startMs + 600_000).toISOString().slice(0, -1)
    const begin = new Date(startMs).toISOString().slice(0, -1)
    const wrong = events.filter(event => {
      if (isBar(event)) return !event.t.endsWith(':00Z')
      const t = event.T === 'n' ? event.created_at : event.t
      return t.length !== 30 || t < begin || t >= end
    })
    expect(wrong.map(show)).toEqual([])
  })

  test('have prices in whole cents, without the noise of binary fractions', () => {
    const wrong = events.filter(event => {
      return !pricesOf(event).every(isCents) || (isBar(event) && !isAverage(event.vw))
    })
    expect(wrong.map(show)).toEqual([])
  })

  test('number trades upwards per symbol, none twice, some above 2^32', () => {
    const last = new Map<string, number>()
    let most = 0
    const wrong = events.filter(event => {
      const given = event.T === 't' ? event.i : event.T === 'c' ? event.ci : undefined
      const id = given === undefined ? undefined : Number(given)
      const symbol = symbolOf(event)
      if (id === undefined || symbol === undefined) return false
      const isUsed = id <= (last.get(symbol) ?? 0)
      last.set(symbol, id)
      most = Math.max(most, id)
      return isUsed
    })
    expect(wrong.map(show)).toEqual([])
    expect(most).toBeGreaterThan(2 ** 32)
  })

  test('number trades of a later run on the same day above those of an earlier one', () => {
    const last = Math.max(
      ...events.flatMap(event => (event.T === 't' && event.S === 'AAPL' ? [Number(event.i)] : [])),
    )
    const laterMs = startMs + 600_000
    const later = createDemoMarket({ seed: 1, startMs: laterMs }).advance(laterMs + 1000)
    const first = later.find(event => event.T === 't' && event.S === 'AAPL')
    expect(first).toMatchObject({ i: expect.toSatisfy((id: number) => id > last) })
  })

  test('keep the tape of a symbol', () => {
    const tapes = new Map<string, Set<string | undefined>>()
    for (const event of events) {
      if (!('z' in event)) continue
      tapes.set(event.S, (tapes.get(event.S) ?? new Set()).add(event.z))
    }
    expect([...tapes].filter(([, seen]) => seen.size !== 1)).toEqual([])
    expect(new Set([...tapes.values()].flatMap(seen => [...seen]))).toEqual(new Set(['A', 'B', 'C']))
  })

  test('mark odd lots, and no others', () => {
    const wrong = events.filter(event => {
      if (event.T !== 't' || isLate(event)) return false
      return event.s < 100 !== event.c!.includes('I')
    })
    expect(wrong.map(show)).toEqual([])
  })

  test('have news every few seconds, marked as a demo, with rising ids', () => {
    const news = events.filter(event => event.T === 'n')
    expect(news.length).toBeGreaterThan(100)
    expect(news.length).toBeLessThan(250)
    expect(news.filter(({ source, author }) => source !== 'demo' || author !== 'Demo Newswire')).toEqual([])
    expect(news.filter(({ headline }) => !/^Demo: .{10,}/.test(headline))).toEqual([])
    const ids = news.map(({ id }) => Number(id))
    expect(ids).toEqual(ids.toSorted((one, other) => one - other))
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(news.map(({ symbols }) => symbols.length))).toEqual(new Set([0, 1, 2, 3]))
  })
})

describe('a skip', () => {
  test('has no trades and quotes of the time skipped, and the bars that were due in it', () => {
    const market = createDemoMarket({ seed: 4, startMs })
    market.advance(startMs + 30_000)
    market.skip(startMs + 3_600_000)
    const events = market.advance(startMs + 3_601_000)
    const resumed = new Date(startMs + 3_600_000).toISOString().slice(0, -1)
    const early = events.filter(event => (event.T === 't' || event.T === 'q') && event.t < resumed)
    expect(early).toEqual([])
    expect(events.length).toBeLessThan(8000)
    const bars = events.filter(isBar).filter(({ T }) => T === 'b')
    expect(bars.length).toBeGreaterThan(100)
    expect(new Set(bars.map(({ t }) => t))).toEqual(new Set(['2026-03-02T14:30:00Z']))
  })

  test('does not leave a halted symbol halted', () => {
    const market = createDemoMarket({ seed: 3, startMs })
    let halt: MarketEvent | undefined
    for (let ms = 1000; halt === undefined; ms += 1000) {
      halt = market.advance(startMs + ms).find(event => event.T === 's' && event.sc === 'H')
    }
    const resumedMs = market.nowMs + 600_000
    market.skip(resumedMs)
    const events = market.advance(resumedMs + 1000).filter(event => symbolOf(event) === symbolOf(halt))
    expect(events.slice(0, 4).map(({ T }) => T)).toEqual(['s', 'q', 't', 'l'])
    expect(events[0]).toMatchObject({
      sc: 'T',
      t: `${new Date(resumedMs).toISOString().slice(0, -1)}000000Z`,
    })
    expect(events.filter(({ T }) => T === 'q').length).toBeGreaterThan(50)
  })

  test('back in time is none', () => {
    const market = createDemoMarket({ seed: 4, startMs })
    market.advance(startMs + 2000)
    market.skip(startMs + 1000)
    expect(market.nowMs).toBe(startMs + 2000)
    expect(market.advance(startMs + 1000)).toEqual([])
  })
})
