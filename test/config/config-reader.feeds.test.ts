import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { ConfigError } from '../../src/config/variable-reader.ts'
import { production } from './environment.ts'

const read = (feeds: string) => readConfig({ ...production, TICKER_FEEDS: feeds }).feeds

test.each([
  ['', [{ name: 'live', delayMs: 0 }]],
  ['sip', [{ name: 'sip', delayMs: 0 }]],
  ['live:0', [{ name: 'live', delayMs: 0 }]],
  [
    ' live , delayed:900000 ',
    [
      { name: 'live', delayMs: 0 },
      { name: 'delayed', delayMs: 900_000 },
    ],
  ],
  [
    'd-1:1000,d2:86400000',
    [
      { name: 'd-1', delayMs: 1000 },
      { name: 'd2', delayMs: 86_400_000 },
    ],
  ],
])('TICKER_FEEDS=%s names feeds, the first of which is the default', (text, feeds) => {
  expect(read(text)).toEqual(feeds)
})

test.each([
  [
    'live,Delayed:1000',
    '"Delayed:1000": expected a name of 1 to 32 of a-z, 0-9 and "-" that begins with a letter',
  ],
  ['live,,x', '"": expected a name of 1 to 32'],
  ['1st', '"1st": expected a name'],
  ['a'.repeat(33), `"${'a'.repeat(33)}": expected a name of 1 to 32`],
  ['live,live:1000', '"live:1000": the name is there already; expected a different one'],
  ['live:999', '"live:999": expected a delay of 0, or 1000 to 86400000 milliseconds (900000 is 15 minutes)'],
  ['live:86400001', '"live:86400001": expected a delay'],
  ['live:15m', '"live:15m": expected a delay'],
  ['live:', '"live:": expected a delay'],
  ['live:1000:2', '"live:1000:2": expected NAME or NAME:DELAY'],
  ['a,b,c,d,e,f,g,h,i', '9 feeds; expected 1 to 8'],
])('TICKER_FEEDS=%s is refused with its rule', (text, rule) => {
  expect(() => read(text)).toThrow(ConfigError)
  expect(() => read(text)).toThrow(`TICKER_FEEDS=${text}: ${rule}`)
})

test('a feed that is later than the embedded log keeps events is refused', () => {
  const development = { TICKER_MODE: 'development', TICKER_FEEDS: 'live,delayed:3600000' }
  expect(() => readConfig(development)).toThrow(
    'TICKER_FEEDS=live,delayed:3600000: delayed is 3600000 ms late, but the embedded log drops events after ' +
      'TICKER_EMBEDDED_RETENTION_MS=3600000: lower the delay, or raise that',
  )
  for (const longer of [
    { TICKER_EMBEDDED_RETENTION_MS: '3600001' },
    { TICKER_KAFKA_BROKERS: 'localhost:9092' },
  ])
    expect(readConfig({ ...development, ...longer }).feeds).toHaveLength(2)
})
