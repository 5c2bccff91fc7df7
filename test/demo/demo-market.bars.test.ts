import { expect, test } from 'vitest'
import type { Bar } from '../../src/event/event.ts'
import { BarOracle } from './bar-oracle.ts'
import { isBar, isLate, liveThrough, show } from './demo-session.ts'

const events = liveThrough(5, 10)

/** Plays all events to an oracle and calls back at each bar. */
function replay(onBar: (bar: Bar, oracle: BarOracle) => void): BarOracle {
  const oracle = new BarOracle()
  for (const event of events) {
    if (event.T === 't') oracle.add(event)
    else if (event.T === 'c') oracle.correct(event)
    else if (event.T === 'x') oracle.cancel(event)
    else if (isBar(event)) onBar(event, oracle)
  }
  return oracle
}

test('every bar says what the trades, corrections and cancels before it say', () => {
  const wrong: string[] = []
  replay((bar, oracle) => {
    const right = oracle.bar(bar.T, bar.S, bar.t)
    if (JSON.stringify(right) !== JSON.stringify(bar))
      wrong.push(`${show(bar)}, but ${JSON.stringify(right)}`)
  })
  expect(wrong).toEqual([])
})

test('every minute with trades has one bar, and its last update has the final values', () => {
  const bars = new Map<string, Bar[]>()
  const oracle = replay(bar => {
    const key = `${bar.S} ${bar.t}`
    if (bar.T !== 'd') bars.set(key, [...(bars.get(key) ?? []), bar])
  })
  const lastMinute = events.filter(isBar).findLast(({ T }) => T === 'b')!.t
  const wrong = oracle.minutes().flatMap(({ symbol, minute }) => {
    if (minute >= lastMinute) return []
    const published = bars.get(`${symbol} ${minute}`) ?? []
    const last = published.at(-1)
    const right = last && oracle.bar(last.T, symbol, minute)
    const isRight =
      published.filter(({ T }) => T === 'b').length === 1 && JSON.stringify(last) === JSON.stringify(right)
    return isRight ? [] : [`${symbol} ${minute}: ${JSON.stringify(published)}, but ${JSON.stringify(right)}`]
  })
  expect(wrong).toEqual([])
})

test('a trade after the bar of its minute is marked as late, and no other is', () => {
  const published = new Set<string>()
  const wrong = events.filter(event => {
    if (event.T === 'b') published.add(`${event.S} ${event.t.slice(0, 16)}`)
    return event.T === 't' && published.has(`${event.S} ${event.t.slice(0, 16)}`) !== isLate(event)
  })
  expect(wrong.map(show)).toEqual([])
})

test('the day has a running bar each half minute for a symbol that trades all the time', () => {
  const days = events.filter(isBar).filter(({ T, S }) => T === 'd' && S === 'AAPL')
  expect(days.length).toBeGreaterThanOrEqual(19)
  expect(new Set(days.map(({ t }) => t))).toEqual(new Set(['2026-03-02T00:00:00Z']))
})
