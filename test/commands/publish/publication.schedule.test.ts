import { describe, expect, test } from 'vitest'
import type { PublishSpeed } from '../../../src/commands/publish/publish-arguments.ts'
import type { Bar, MarketEvent, News } from '../../../src/event/event.ts'
import { createPublishSchedule, type PublishSchedule } from '../../../src/commands/publish/publication.ts'

function trade(t: string): MarketEvent {
  return { T: 't', S: 'A', p: 1, s: 1, t }
}

const anyTrade = trade('2026-01-31T14:30:00Z')

function bar(T: Bar['T'], t: string): MarketEvent {
  return { T, S: 'A', o: 1, h: 1, l: 1, c: 1, v: 1, t }
}

/** How many of the same events a pace lets go at each of these times. */
function countsAt(schedule: PublishSchedule, timesMs: readonly number[]): number[] {
  return timesMs.map(nowMs => {
    let count = 0
    while (schedule.waitMs(anyTrade, nowMs) === 0) count += 1
    return count
  })
}

/** The time of each event, if the caller waits exactly as long as it should. */
function departures(request: PublishSpeed, events: readonly MarketEvent[], startMs = 5000): number[] {
  const schedule = createPublishSchedule(request)
  let nowMs = startMs
  return events.map(event => {
    for (let waitMs = schedule.waitMs(event, nowMs); waitMs > 0; waitMs = schedule.waitMs(event, nowMs))
      nowMs += waitMs
    return nowMs - startMs
  })
}

test('without a pace every event goes at once', () => {
  expect(departures({ kind: 'full' }, [anyTrade, trade('2030-01-01T00:00:00Z')])).toEqual([0, 0])
})

describe('a rate', () => {
  test('spreads events evenly over ticks of 10 ms', () => {
    const ticks = Array.from({ length: 100 }, (_, index) => index * 10)
    const counts = countsAt(createPublishSchedule({ kind: 'rate', perSecond: 1000 }), ticks)
    expect(counts.slice(0, 3)).toEqual([1, 10, 10])
    expect(new Set(counts.slice(1))).toEqual(new Set([10]))
  })

  test('may be less than one a second', () => {
    expect(departures({ kind: 'rate', perSecond: 0.5 }, [anyTrade, anyTrade, anyTrade])).toEqual([
      0, 2000, 4000,
    ])
  })

  test('that is no whole number of events a tick loses none', () => {
    const ticks = Array.from({ length: 1001 }, (_, index) => index * 10)
    const counts = countsAt(createPublishSchedule({ kind: 'rate', perSecond: 333 }), ticks)
    expect(counts.reduce((sum, count) => sum + count)).toBe(3331)
    expect(Math.max(...counts)).toBe(4)
  })

  test('makes up for a stall of a second, not for a longer one', () => {
    const short = createPublishSchedule({ kind: 'rate', perSecond: 100 })
    expect(countsAt(short, [0, 900, 1000])).toEqual([1, 90, 10])
    const long = createPublishSchedule({ kind: 'rate', perSecond: 100 })
    expect(countsAt(long, [0, 60_000, 60_010, 61_000])).toEqual([1, 101, 1, 99])
  })
})

describe('the events’ own times', () => {
  const second = (count: number, fraction = '') =>
    `2026-01-31T14:30:${String(count).padStart(2, '0')}${fraction}Z`

  test('keep their distances, to the millisecond', () => {
    const events = [second(0, '.5'), second(1, '.123456789'), second(1, '.123456790'), second(9)].map(trade)
    expect(departures({ kind: 'realtime' }, events)).toEqual([0, 623, 623, 8500])
  })

  test('that go back make nobody wait, and do not move what follows', () => {
    const events = [second(10), second(3), second(11), second(2), second(12)].map(trade)
    expect(departures({ kind: 'realtime' }, events)).toEqual([0, 0, 1000, 1000, 2000])
  })

  test('of bars are those of their ends, or of their neighbours', () => {
    const events = [
      bar('d', '2026-01-31T00:00:00Z'),
      trade('2026-01-31T14:30:59Z'),
      bar('b', '2026-01-31T14:30:00Z'),
      bar('u', '2026-01-31T14:29:00Z'),
      trade('2026-01-31T14:31:01Z'),
    ]
    expect(departures({ kind: 'realtime' }, events)).toEqual([0, 0, 1000, 1000, 2000])
  })

  test('of an article are those of its last change', () => {
    const article: News = { T: 'n', id: 1, headline: 'h', created_at: second(0), symbols: [] }
    const events = [
      trade(second(5)),
      { ...article, updated_at: second(7) },
      { ...article, created_at: second(8) },
    ]
    expect(departures({ kind: 'realtime' }, events)).toEqual([0, 2000, 3000])
  })
})
