import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entitles, entitlesChannel, parseGrant } from '../../src/auth/grant.ts'
import { TokenError } from '../../src/auth/token-error.ts'

const least = { sub: 'ann', exp: 1_800_000_000 }

describe('what claims allow', () => {
  test('subject, id, scopes, names and end are read', () => {
    const grant = parseGrant({
      ...least,
      jti: 'a-1',
      scope: 'stream history openid',
      ticker: { feeds: ['live'], channels: '*', symbols: ['AAPL', 'MSFT'], rooms: ['desk'] },
    })
    expect(grant).toEqual({
      subject: 'ann',
      tokenId: 'a-1',
      scopes: new Set(['stream', 'history']),
      feeds: new Set(['live']),
      channels: '*',
      symbols: new Set(['AAPL', 'MSFT']),
      rooms: new Set(['desk']),
      expiresAtMs: 1_800_000_000_000,
    })
  })

  test('what is absent allows nothing', () => {
    const grant = parseGrant(least)
    expect(grant).toEqual({
      subject: 'ann',
      scopes: new Set(),
      feeds: new Set(),
      channels: new Set(),
      symbols: new Set(),
      rooms: new Set(),
      expiresAtMs: 1_800_000_000_000,
    })
    expect(entitles(grant.symbols, 'AAPL')).toBe(false)
  })

  test('* among names is everything', () => {
    expect(parseGrant({ ...least, ticker: { symbols: ['*'] } }).symbols).toBe('*')
    expect(parseGrant({ ...least, ticker: { symbols: ['AAPL', '*'] } }).symbols).toBe('*')
  })

  // Cause: the names of a token went unchecked into the key of its audience, in which they are joined by
  // commas.
  // Symptom: a token for the one name "AAPL,MSFT" that subscribed to * received AAPL and MSFT.
  // Seen: in a review.
  test.each(['AAPL,MSFT', 'X"quotes"*', ''])('the name %j, which is no symbol, is refused', name => {
    expect(() => parseGrant({ ...least, ticker: { symbols: ['AAPL', name] } })).toThrow(TokenError)
  })

  test('symbols are kept in NFC, in which they are looked up', () => {
    const { symbols } = parseGrant({
      ...least,
      ticker: { symbols: ['E\u0301', 'É', 'AAPL  240119C00150000'] },
    })
    expect(symbols).toEqual(new Set(['É', 'AAPL  240119C00150000']))
  })

  test.each(['sub', 'jti'])('a %s with half a surrogate pair, which nobody could name, is refused', claim => {
    expect(() => parseGrant({ ...least, [claim]: 'ann\ud83d' })).toThrow(TokenError)
  })

  test('an end with a fraction of a second is kept', () => {
    expect(parseGrant({ ...least, exp: 1.5 }).expiresAtMs).toBe(1500)
  })
})

describe('entitlement', () => {
  test('a name is entitled when listed, or when all are', () => {
    expect(entitles('*', 'AAPL')).toBe(true)
    expect(entitles(new Set(['AAPL']), 'AAPL')).toBe(true)
    expect(entitles(new Set(['AAPL']), 'aapl')).toBe(false)
  })

  test('trades bring corrections and cancels, and nothing else', () => {
    const grant = parseGrant({ ...least, ticker: { channels: ['trades'] } })
    expect(entitlesChannel(grant, 'trades')).toBe(true)
    expect(entitlesChannel(grant, 'corrections')).toBe(true)
    expect(entitlesChannel(grant, 'cancelErrors')).toBe(true)
    expect(entitlesChannel(grant, 'quotes')).toBe(false)
  })

  test('corrections do not bring trades', () => {
    const grant = parseGrant({ ...least, ticker: { channels: ['corrections'] } })
    expect(entitlesChannel(grant, 'trades')).toBe(false)
    expect(entitlesChannel(grant, 'cancelErrors')).toBe(false)
  })
})

describe('malformed claims', () => {
  test.each([
    ['no object', 'ann'],
    ['null', null],
    ['an array', []],
    ['no subject', { exp: 1 }],
    ['an empty subject', { ...least, sub: '' }],
    ['a subject that is a number', { ...least, sub: 7 }],
    ['a subject of 257 characters', { ...least, sub: 'a'.repeat(257) }],
    ['no end', { sub: 'ann' }],
    ['an end that is text', { ...least, exp: '1800000000' }],
    ['an end that never comes', { ...least, exp: Number.POSITIVE_INFINITY }],
    ['an end past all dates', { ...least, exp: 8.64e12 + 1 }],
    ['an end that is no number', { ...least, exp: Number.NaN }],
    ['an end before 1970', { ...least, exp: -1 }],
    ['an id that is a number', { ...least, jti: 1 }],
    ['scopes in an array', { ...least, scope: ['stream'] }],
    ['a null ticker', { ...least, ticker: null }],
    ['a ticker that is an array', { ...least, ticker: [] }],
    ['symbols in text', { ...least, ticker: { symbols: 'AAPL' } }],
    ['null symbols', { ...least, ticker: { symbols: null } }],
    ['a symbol that is a number', { ...least, ticker: { symbols: ['AAPL', 7] } }],
    ['an empty symbol', { ...least, ticker: { symbols: [''] } }],
  ])('%s is refused', (_what, claims) => {
    expect(() => parseGrant(claims)).toThrow(
      expect.objectContaining({ code: 'TICKER_TOKEN', reason: 'claims' }),
    )
  })

  test('no claims make anything be thrown but a TokenError, nor allow what they do not name', () => {
    const names = fc.oneof(
      fc.array(fc.oneof(fc.string(), fc.integer())),
      fc.string(),
      fc.constant('*'),
      fc.anything(),
    )
    const claims = fc.record(
      {
        sub: fc.anything(),
        exp: fc.anything(),
        scope: fc.anything(),
        ticker: fc.oneof(fc.anything(), fc.record({ symbols: names })),
      },
      { requiredKeys: [] },
    )
    const nearlyRight = claims.map(some => ({ ...least, ...some }))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), claims, nearlyRight), value => {
        expect(allowedBy(value).every(symbol => JSON.stringify(value).includes(JSON.stringify(symbol)))).toBe(
          true,
        )
      }),
    )
  })
})

/** The symbols that claims allow, none where they are refused; anything thrown but a `TokenError` goes on. */
function allowedBy(value: unknown): readonly string[] {
  try {
    const { symbols } = parseGrant(value)
    return symbols === '*' ? ['*'] : [...symbols]
  } catch (error) {
    if (error instanceof TokenError) return []
    throw error
  }
}
