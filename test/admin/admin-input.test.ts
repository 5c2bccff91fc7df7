import { expect, test } from 'vitest'
import { AdminFault } from '../../src/admin/admin-fault.ts'
import { parseDrain, parseNumber, parseRevocation, parseSessionsQuery } from '../../src/admin/admin-input.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')

function faultOf(parse: () => unknown): string {
  try {
    return `accepted: ${JSON.stringify(parse())}`
  } catch (error) {
    if (error instanceof AdminFault) return error.message
    throw error
  }
}

const feeds = ['live', 'delayed']

test('valid input is read', () => {
  expect(parseSessionsQuery({}, feeds)).toEqual({})
  expect(parseSessionsQuery({ limit: '1000', after: '0', sub: 'ann', feed: 'live' }, feeds)).toEqual({
    limit: 1000,
    feed: 'live',
    after: 0,
    subject: 'ann',
  })
  expect(parseNumber({ number: '7' })).toBe(7)
  expect(parseRevocation({ jti: 'x' }, nowMs)).toEqual({ tokens: { kind: 'jti', tokenId: 'x' } })
  expect(parseRevocation({ sub: 'ann', until: '2026-01-02T01:00:00+01:00', reason: '' }, nowMs)).toEqual({
    tokens: { kind: 'sub', subject: 'ann' },
    untilMs: nowMs + 86_400_000,
    reason: '',
  })
  expect([parseDrain(undefined), parseDrain({}), parseDrain({ withinMs: 0 })]).toEqual([
    undefined,
    undefined,
    0,
  ])
})

test.each([
  [{ limit: '0' }, /^limit: "0"; expected a whole number, 1 to 1000, once/],
  [{ limit: '1001' }, /^limit/],
  [{ limit: ['1', '2'] }, /^limit: an array of 2/],
  [{ after: '-1' }, /^after: "-1"/],
  [{ after: '1e3' }, /^after/],
  [{ after: '99999999999999999' }, /^after/],
  [{ sub: '' }, /^sub: ""; expected text of 1 to 256 characters/],
  [{ feed: 'lve' }, /^feed: "lve"; expected live or delayed$/],
  [{ feed: ['live', 'delayed'] }, /^feed: an array of 2.*; expected the name of a feed, once/],
  [{ limt: '1' }, /^"limt": not known here; expected limit, after, sub, feed, transport/],
  [{ transport: 'smoke' }, /^transport: "smoke"; expected websocket or sse, once/],
])('a query that is wrong: %j', (query, rule) => {
  expect(faultOf(() => parseSessionsQuery(query, feeds))).toMatch(rule)
})

test.each([
  [undefined, /^expected a JSON object, not undefined/],
  [[], /^expected a JSON object, not \[\]/],
  [{}, /^expected {"sub": USER} or {"jti": TOKEN ID}, one of them/],
  [{ sub: 'a', jti: 'b' }, /one of them/],
  [{ sub: 7 }, /^sub: 7; expected text/],
  [{ jti: 'x'.repeat(257) }, /^jti: "x{60}…"; expected text of 1 to 256/],
  [{ sub: 'a', Until: 'x' }, /^"Until": not known here/],
  [{ sub: 'a', until: nowMs }, /^until: 1767225600000; expected a time such as/],
  [{ sub: 'a', until: '2026-01-01' }, /^until/],
  [{ sub: 'a', until: '2026-13-01T00:00:00Z' }, /^until/],
  [{ sub: 'a', until: '2025-12-31T23:59:59Z' }, /^until: .* in the future, within 366 days/],
  [{ sub: 'a', until: '2028-01-01T00:00:00Z' }, /^until/],
  [{ sub: 'a', reason: 'two\nlines' }, /^reason: .* one line of up to 200 characters/],
  [{ sub: 'a', reason: 'x'.repeat(201) }, /^reason/],
])('a revocation that is wrong: %j', (body, rule) => {
  expect(faultOf(() => parseRevocation(body, nowMs))).toMatch(rule)
})

test.each([
  [{ withinMs: -1 }, /^withinMs: -1; expected whole milliseconds, 0 to 600000/],
  [{ withinMs: 600_001 }, /^withinMs/],
  [{ withinMs: 1.5 }, /^withinMs/],
  [{ withinMs: '1' }, /^withinMs: "1"/],
  [{ within: 1 }, /^"within": not known here/],
  [7, /^expected a JSON object, not 7/],
])('a drain that is wrong: %j', (body, rule) => {
  expect(faultOf(() => parseDrain(body))).toMatch(rule)
})
