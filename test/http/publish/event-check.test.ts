import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Grant } from '../../../src/auth/grant.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { Refusal } from '../../../src/http/answer.ts'
import { checkEvents, findUnentitled } from '../../../src/http/publish/event-check.ts'
import { formatOf } from '../../../src/http/publish/body-format.ts'
import { news, quote, trade } from './post.ts'

describe('checkEvents', () => {
  test('names at most ten unknown fields of at most twenty events, cut short', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`${index}`.repeat(100), index]),
    )
    const values = Array.from({ length: 30 }, (_, index) => ({ ...trade('AAPL', index), ...fields }))
    const checked = checkEvents({ values, bytes: 1 }, 262_144)
    if (checked instanceof Refusal) throw new Error('refused')

    expect(checked.events).toHaveLength(30)
    expect(checked.warnings).toHaveLength(20)
    expect(checked.warnings[19]?.index).toBe(19)
    expect(checked.warnings[0]?.unknown?.map(name => name.length)).toEqual(
      Array.from({ length: 10 }, () => 64),
    )
  })

  /** What lets it not measure the events of a short body. */
  test('no value becomes more than six times as long as JSON as it was in the body', () => {
    const json = formatOf('application/json')
    const messagePack = formatOf('application/msgpack')
    if (json instanceof Refusal || messagePack instanceof Refusal) throw new Error('no format')
    const number = fc.oneof(fc.double(), fc.float(), fc.maxSafeInteger(), fc.integer())
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u0001', '\u0001\u0001\u0002', ''))
    const value = fc.array(fc.oneof(number, text, fc.dictionary(text, number)))
    fc.assert(
      fc.property(value, fc.boolean(), (values, isPacked) => {
        const body = isPacked
          ? Buffer.from(encode(values))
          : Buffer.from(JSON.stringify(values).replaceAll('0000000000', 'e10'))
        const read = isPacked ? messagePack(body, 1e6) : json(body, 1e6)
        fc.pre(!(read instanceof Refusal))

        expect(Buffer.byteLength(JSON.stringify(read))).toBeLessThanOrEqual(6 * body.length)
      }),
    )
  })
})

describe('findUnentitled', () => {
  const grant = (channels: Grant['channels'], symbols: Grant['symbols']): Grant => ({
    subject: 'ann',
    scopes: new Set(['publish']),
    feeds: '*',
    channels,
    symbols,
    rooms: '*',
    expiresAtMs: 8e15,
  })
  const correction: MarketEvent = { T: 'c', S: 'AAPL', op: 1, os: 1, cp: 2, cs: 1, t: '2026-02-22T15:51:44Z' }

  test.each<[string, Grant, MarketEvent, string | undefined]>([
    ['everything', grant('*', '*'), quote('TSLA'), undefined],
    ['the channel and the symbol', grant(new Set(['quotes']), new Set(['TSLA'])), quote('TSLA'), undefined],
    ['the channel alone', grant(new Set(['quotes']), new Set(['AAPL'])), quote('TSLA'), 'quotes/TSLA'],
    ['the symbol alone', grant(new Set(['trades']), new Set(['TSLA'])), quote('TSLA'), 'quotes/TSLA'],
    [
      'trades, which brings corrections',
      grant(new Set(['trades']), new Set(['AAPL'])),
      correction,
      undefined,
    ],
    ['all symbols of news', grant(new Set(['news']), new Set(['A', 'B'])), news(['A', 'B']), undefined],
    ['one symbol of news', grant(new Set(['news']), new Set(['A'])), news(['A', 'B']), 'news/B'],
    ['some symbols, for news without any', grant(new Set(['news']), new Set(['A'])), news([]), 'news/*'],
    ['every symbol, for news without any', grant(new Set(['news']), '*'), news([]), undefined],
    ['no news', grant(new Set(['trades']), '*'), news([]), 'news/*'],
    ['nothing', grant(new Set(), new Set()), quote('TSLA'), 'quotes/TSLA'],
  ])('a token that entitles to %s', (_, allowed, event, item) => {
    const refusal = findUnentitled(allowed, [event])

    expect(refusal?.body).toEqual(
      item && {
        error: 'nothing was published: 1 of 1 events are not entitled to',
        total: 1,
        events: [{ index: 0, error: `${item}: the token does not allow it` }],
      },
    )
  })
})
