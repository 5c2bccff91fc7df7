import { expect, test } from 'vitest'
import type { Channel, MarketEvent, Quote, Trade } from '../../src/event/event.ts'
import { channels } from '../../src/event/event.ts'
import { type Filter, parseFilter } from '../../src/filter/filter.ts'

const time = '2026-01-31T14:30:00.1Z'
const trade: Trade = { T: 't', S: 'AAPL', x: 'V', p: 126.55, s: 200, c: ['@', 'I'], t: time, i: 7 }
const quote: Quote = { T: 'q', S: 'AAPL', bx: 'Q', bp: 10.01, bs: 3, ap: 10.03, as: 1, t: time }
const news: MarketEvent = {
  T: 'n',
  id: 'a1',
  headline: 'Apple',
  symbols: ['AAPL', 'MSFT'],
  created_at: time,
  source: 'benzinga',
}

function filter(channel: Channel, value: unknown): Filter {
  const parsed = parseFilter(channel, value)
  if ('fault' in parsed) throw new Error(parsed.fault)
  return parsed
}

function fault(channel: Channel, value: unknown): string {
  const parsed = parseFilter(channel, value)
  return 'fault' in parsed ? parsed.fault : `no fault: ${parsed.key}`
}

test.each([
  [{ s: { eq: 200 } }, true],
  [{ s: { ne: 200 } }, false],
  [{ s: { gt: 200 } }, false],
  [{ s: { gte: 200 } }, true],
  [{ s: { lt: 200 } }, false],
  [{ s: { lte: 200 } }, true],
  [{ s: { in: [1, 200] } }, true],
  [{ s: { in: [1, 2] } }, false],
  [{ x: { eq: 'V' } }, true],
  [{ x: { ne: 'V' } }, false],
  [{ x: { gt: 'A', lt: 'W' } }, true],
  [{ x: { gte: 'W' } }, false],
  [{ x: { lte: 'V' } }, true],
  [{ x: { in: ['Q', 'V'] } }, true],
  [{ i: { eq: 7 } }, true],
  [{ i: { eq: '7' } }, false],
  [{ i: { in: ['7', 7] } }, true],
  [{ c: { has: 'I' } }, true],
  [{ c: { has: 'T' } }, false],
  [{ c: { hasAny: ['T', '@'] } }, true],
  [{ c: { hasAny: ['T', 'Z'] } }, false],
  [{ c: { hasNone: ['T', 'Z'] } }, true],
  [{ c: { hasNone: ['T', '@'] } }, false],
  [{ S: { eq: 'AAPL' }, s: { gte: 100, lt: 300 } }, true],
  [{ S: { eq: 'AAPL' }, s: { gte: 100, lt: 200 } }, false],
  [{ all: [{ s: { gte: 100 } }, { x: { eq: 'V' } }] }, true],
  [{ all: [{ s: { gte: 100 } }, { x: { eq: 'Q' } }] }, false],
  [{ any: [{ s: { gte: 1000 } }, { x: { eq: 'V' } }] }, true],
  [{ any: [{ s: { gte: 1000 } }, { x: { eq: 'Q' } }] }, false],
  [{ not: { s: { gte: 1000 } } }, true],
  [{ not: { s: { gte: 100 } } }, false],
  [{ notional: { eq: 25310 } }, true],
])('evaluates %j of a trade as %s', (value, expected) => {
  expect(filter('trades', value).matches(trade)).toBe(expected)
})

test('compares lists of symbols, and ids that are texts', () => {
  expect(filter('news', { symbols: { hasAny: ['MSFT', 'IBM'] } }).matches(news)).toBe(true)
  expect(filter('news', { symbols: { hasNone: ['MSFT'] } }).matches(news)).toBe(false)
  expect(filter('news', { id: { eq: 'a1' }, source: { eq: 'benzinga' } }).matches(news)).toBe(true)
})

test('compares symbols in NFC, as they are delivered', () => {
  const event = { ...trade, S: 'É' }
  expect(filter('trades', { S: { eq: 'E\u0301' } }).matches(event)).toBe(true)
})

test.each([
  [{ bx: { eq: 'Q' } }, false],
  [{ bx: { gte: '' } }, false],
  [{ bx: { in: ['Q'] } }, false],
  [{ bx: { ne: 'Q' } }, true],
  [{ c: { has: 'R' } }, false],
  [{ c: { hasAny: ['R'] } }, false],
  [{ c: { hasNone: ['R'] } }, true],
  [{ spread: { lte: 1000 } }, false],
  [{ spread: { gt: -1000 } }, false],
  [{ spread: { ne: 0 } }, true],
  [{ mid: { gte: 0 } }, false],
  [{ not: { mid: { gte: 0 } } }, true],
])('evaluates %j as %s of a quote without bid, its exchange and conditions', (value, expected) => {
  const { bx: _, ...rest } = quote
  expect(filter('quotes', value).matches({ ...rest, bp: 0, bs: 0 })).toBe(expected)
})

test('computes spread and mid as decimals', () => {
  const event = { ...quote, bp: 1, ap: 1.02 }
  expect(1.02 - 1).toBeGreaterThan(0.02)
  expect(filter('quotes', { spread: { lte: 0.02 } }).matches(event)).toBe(true)
  expect(filter('quotes', { spread: { eq: 0.02 }, mid: { eq: 1.01 } }).matches(event)).toBe(true)
})

test('offers the derived fields where the channel has what they are computed from', () => {
  const having = (name: string): Channel[] =>
    channels.filter(channel => !('fault' in parseFilter(channel, { [name]: { gt: 0 } })))
  expect(having('notional')).toEqual(['trades', 'cancelErrors'])
  expect(having('spread')).toEqual(['quotes'])
  expect(having('mid')).toEqual(['quotes'])
})

test.each([
  ['a text', 'x', 'trades="x": expected an object of fields'],
  ['null', null, 'trades=null: expected an object'],
  ['a list', [], 'trades=[]: expected an object'],
  ['an empty object', {}, 'trades={}: expected an object of fields (S, i, x, p, s, c, z, tks, notional)'],
  [
    'an unknown field',
    { size: { gt: 1 } },
    'trades.size: unknown field; known: S, i, x, p, s, c, z, tks, notional; or all, any, not',
  ],
  ['a field of another channel', { spread: { gt: 1 } }, 'trades.spread: unknown field'],
  [
    'a time',
    { t: { gt: time } },
    'trades.t: filters do not compare times; to go on from an earlier time, use a cursor',
  ],
  ['a long name', { ['x'.repeat(1000)]: { gt: 1 } }, `trades."${'x'.repeat(16)}…": unknown field`],
  ['a value for a comparison', { s: 5 }, 'trades.s=5: expected an object such as {"eq":…}'],
  ['an empty comparison', { s: {} }, 'trades.s=an object: expected an object such as {"eq":…}'],
  [
    'an unknown operator',
    { s: { above: 5 } },
    'trades.s: "above" is not an operator for a number; known: eq, ne, gt, gte, lt, lte, in',
  ],
  ['a list operator for a number', { s: { has: 5 } }, 'trades.s: "has" is not an operator for a number'],
  ['an order of ids', { i: { gt: 5 } }, 'trades.i: "gt" is not an operator for an id; known: eq, ne, in'],
  [
    'eq for a list',
    { c: { eq: 'I' } },
    'trades.c: "eq" is not an operator for a list; known: has, hasAny, hasNone',
  ],
  ['a text for a number', { s: { gte: '10' } }, 'trades.s.gte="10": expected a finite number'],
  ['infinity', { s: { gte: 1 / 0 } }, 'trades.s.gte=Infinity: expected a finite number'],
  ['NaN', { s: { gte: Number.NaN } }, 'trades.s.gte=NaN: expected a finite number'],
  ['a number for a text', { x: { eq: 5 } }, 'trades.x.eq=5: expected a text of at most 16 characters'],
  [
    'a long code',
    { x: { eq: 'x'.repeat(17) } },
    'trades.x.eq="xxxxxxxxxxxxxxxxx": expected a text of at most 16',
  ],
  ['half a surrogate pair', { x: { eq: '\ud800' } }, 'trades.x.eq="�": expected a text of at most 16'],
  ['no symbol', { S: { eq: 'a,b' } }, 'trades.S.eq="a,b": expected a symbol of 1 to 64 letters'],
  [
    'a large id',
    { i: { eq: 2 ** 53 } },
    'trades.i.eq=9007199254740992: expected a whole number from 0 to 2^53 - 1, or a text',
  ],
  [
    'an empty list',
    { s: { in: [] } },
    'trades.s.in=[]: expected a list of one or more, each a finite number',
  ],
  [
    'a value for a list',
    { c: { hasAny: 'I' } },
    'trades.c.hasAny="I": expected a list of one or more, each a text of at most 16 characters',
  ],
  [
    'a list for a value',
    { c: { has: ['I'] } },
    'trades.c.has=an array of 1: expected a text of at most 16 characters',
  ],
  ['a wrong entry', { s: { in: [1, null] } }, 'trades.s.in[1]=null: expected a finite number'],
  ['an empty all', { all: [] }, 'trades.all=[]: expected a list of one filter or more'],
  [
    'an any of one object',
    { any: { s: { gt: 1 } } },
    'trades.any=an object: expected a list of one filter or more',
  ],
  ['a not of a list', { not: [{ s: { gt: 1 } }] }, 'trades.not=an array of 1: expected an object of fields'],
  [
    'a place deep inside',
    { all: [{ s: { gt: 1 } }, { not: { x: { eq: 1 } } }] },
    'trades.all[1].not.x.eq=1: expected a text',
  ],
  ['a prototype', JSON.parse('{"__proto__":{"s":{"gt":1}}}'), 'trades.__proto__: unknown field'],
])('refuses %s', (_, value, expected) => {
  expect(fault('trades', value)).toContain(expected)
})

test('refuses a text that is longer than a filter needs, though the field may have it', () => {
  const headline = 'x'.repeat(257)
  expect(fault('news', { headline: { eq: headline } })).toBe(
    `news.headline.eq="${'x'.repeat(60)}…": expected a text of at most 256 characters`,
  )
})

test('takes 32 nodes, and refuses 33', () => {
  const any = (count: number): object => ({
    any: Array.from({ length: count }, (_, s) => ({ s: { eq: s } })),
  })
  expect(fault('trades', any(31))).toContain('no fault')
  expect(fault('trades', any(32))).toBe(
    'trades: the filter is too large; at most 32 comparisons, all, any and not together',
  )
})

test('counts operators and fields that stand side by side as an all of them', () => {
  const two = { s: { gte: 1, lt: 5 } }
  const fits = { any: Array.from({ length: 10 }, () => two) }
  const breaks = { any: Array.from({ length: 11 }, () => two) }
  expect(fault('trades', fits)).toContain('no fault')
  expect(fault('trades', breaks)).toContain('too large')
})

test('takes 4 levels, and refuses 5', () => {
  const four = { not: { any: [{ all: [{ s: { gt: 1 } }] }] } }
  expect(fault('trades', four)).toContain('no fault')
  expect(fault('trades', { not: four })).toBe(
    'trades.not.not.any[0].all[0].s: nested too deeply; at most 4 levels',
  )
})

test('refuses a filter whose canonical form is too long to be repeated', () => {
  const symbols = Array.from({ length: 600 }, (_, index) => `SYM${index}`)
  expect(fault('news', { symbols: { hasAny: symbols } })).toMatch(
    /^news: the filter has \d+ characters; at most 4096$/,
  )
})
