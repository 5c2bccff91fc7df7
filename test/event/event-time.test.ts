import { expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { eventTimeMs, peekTimeMs } from '../../src/event/event-time.ts'
import { generateTape } from '../support/tape.ts'

const trade = { T: 't', S: 'AAPL', p: 1, s: 1 } as const
const second = Date.UTC(2024, 1, 29, 14, 30, 0)

function peek(event: object | string): number | undefined {
  return peekTimeMs(Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)))
}

test('counts a part of a millisecond as a whole one', () => {
  expect(eventTimeMs({ ...trade, t: '2024-02-29T14:30:00.123Z' })).toBe(second + 123)
  expect(eventTimeMs({ ...trade, t: '2024-02-29T14:30:00.123000001Z' })).toBe(second + 124)
  expect(eventTimeMs({ ...trade, t: '2024-02-29T14:30:00Z' })).toBe(second)
})

test('takes a leap second for the second after it', () => {
  const t = '2016-12-31T23:59:60Z'
  expect([eventTimeMs({ ...trade, t }), peek({ ...trade, t })]).toEqual([
    Date.UTC(2017, 0, 1),
    Date.UTC(2017, 0, 1),
  ])
})

test('finds when news was last updated', () => {
  const news: MarketEvent = {
    T: 'n',
    id: 1,
    headline: '{"t":"2030-01-01T00:00:00Z"}',
    created_at: '2024-02-29T14:30:00Z',
    symbols: [],
  }
  expect(eventTimeMs(news)).toBe(second)
  expect(eventTimeMs({ ...news, updated_at: '2024-02-29T14:30:01Z' })).toBe(second + 1000)
  expect(peek(news)).toBe(undefined)
})

test('peeks at the time that parsing finds, for every type', () => {
  const events = generateTape({ seed: 3, symbols: 20, events: 2000 }).filter(({ T }) => T !== 'n')
  expect(events.map(peek)).toEqual(events.map(eventTimeMs))
})

test('leaves to parsing what is not plain', () => {
  const texts = ['{}', '', '{"T":"t","t": "2024-02-29T14:30:00Z"}', '{"a\\"t":"2024-02-29T14:30:00Z"}']
  for (const text of [...texts, '{"t":"yesterday"}', '{"t":"2024', '{"t":5}']) {
    expect([text, peek(text)]).toEqual([text, undefined])
  }
})
