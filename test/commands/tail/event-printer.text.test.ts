import { describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { describeEvent } from '../../../src/commands/tail/event-printer.ts'

function plain(event: MarketEvent, today = '2026-01-31'): string {
  return describeEvent(event, { paint: (_style, text) => text, today })
}

const t = '2026-01-31T14:30:00.123456789Z'
const bar = { S: 'AAPL', o: 1, h: 2.5, l: 0.25, c: 2.125, v: 1000, t: '2026-01-31T14:30:00Z' } as const

describe('a line on', () => {
  test.for<[MarketEvent, string]>([
    [
      { T: 't', S: 'AAPL', i: 7, x: 'V', p: 126.5, s: 100, c: ['@', 'I'], t },
      '14:30:00.123  trades        AAPL          126.50 × 100     V @I',
    ],
    [
      { T: 't', S: 'BTC/USD', p: 64_000.125, s: 0.0005, c: [' '], t, tks: 'B' },
      '14:30:00.123  trades        BTC/USD    64000.125 × 0.0005  B',
    ],
    [
      { T: 'q', S: 'BRK.B', bx: 'Q', bp: 411.1, bs: 3, ax: 'N', ap: 411.25, as: 12, t },
      '14:30:00.123  quotes        BRK.B         411.10 × 3       Q  |     411.25 × 12      N',
    ],
    [{ T: 'b', ...bar }, '14:30:00.000  bars          AAPL      o 1.00  h 2.50  l 0.25  c 2.125  v 1000'],
    [
      { T: 'u', ...bar, n: 3, vw: 1.5 },
      '14:30:00.000  updatedBars   AAPL      o 1.00  h 2.50  l 0.25  c 2.125  v 1000  n 3  vw 1.50',
    ],
    [{ T: 'd', ...bar }, '14:30:00.000  dailyBars     AAPL      o 1.00  h 2.50  l 0.25  c 2.125  v 1000'],
    [
      { T: 's', S: 'GME', sc: 'H', sm: 'Trading Halt', rc: 'T12', rm: 'Information Requested', t },
      '14:30:00.123  statuses      GME       H Trading Halt (T12 Information Requested)',
    ],
    [{ T: 's', S: 'GME', sc: 'T', t }, '14:30:00.123  statuses      GME       T'],
    [
      { T: 'l', S: 'GME', u: 24, d: 22.5, i: 'B', t },
      '14:30:00.123  lulds         GME            22.50 .. 24.00 B',
    ],
    [
      { T: 'c', S: 'AAPL', op: 126.5, os: 100, cp: 126.55, cs: 90, x: 'V', t },
      '14:30:00.123  corrections   AAPL          126.50 × 100     → 126.55 × 90 V',
    ],
    [
      { T: 'x', S: 'AAPL', p: 126.5, s: 100, a: 'C', x: 'V', t },
      '14:30:00.123  cancelErrors  AAPL          126.50 × 100     cancelled V',
    ],
    [
      { T: 'n', id: 1, headline: 'Up', created_at: t, symbols: ['AAPL', 'MSFT'], source: 'wire' },
      '14:30:00.123  news          AAPL,MSFT  Up – wire',
    ],
    [
      { T: 'n', id: 1, headline: 'Up', created_at: t, symbols: [] },
      '14:30:00.123  news          -         Up',
    ],
  ])('%o', ([event, line]) => {
    expect(plain(event)).toBe(line)
  })
})

test('tells the day of an event that is not of today', () => {
  expect(plain({ T: 's', S: 'A', sc: 'T', t }, '2026-02-01')).toMatch(/^2026-01-31 14:30:00\.123 {2}statuses/)
})

test('tells times in UTC, whatever their offset', () => {
  expect(plain({ T: 's', S: 'A', sc: 'T', t: '2026-01-31T23:30:00.5+09:00' })).toMatch(/^14:30:00\.500 /)
})

test('is printed without control characters, which could steer the terminal', () => {
  const event: MarketEvent = { T: 'n', id: 1, headline: 'a\u001B[2Jb\nc\u009Bd', created_at: t, symbols: [] }
  expect(plain(event)).toMatch(/a�\[2Jb�c�d$/)
})

test('is coloured by its parts', () => {
  const line = describeEvent(
    { T: 's', S: 'A', sc: 'T', t },
    { paint: (style, text) => `<${style}>${text.trim()}</>`, today: '2026-01-31' },
  )
  expect(line).toBe('<dim>14:30:00.123</>  <yellow>statuses</>  <bold>A</>  T')
})
