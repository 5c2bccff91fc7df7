import { expect, test } from 'vitest'
import { BarLedger } from '../../src/demo/bar-ledger.ts'
import type { Print } from '../../src/demo/bar-totals.ts'

const minute = Date.parse('2026-03-02T14:30:00Z') / 60_000
/** The first minute of the next day. */
const midnight = Math.ceil(minute / 1440) * 1440

function print(ns: number, cents: number, size: number): Print {
  return { ns, cents, trade: { T: 't', S: 'AAPL', p: cents / 100, s: size, t: '' } }
}

test('a bar has the first, highest, lowest and last price, the volume, the number and the average', () => {
  const ledger = new BarLedger('AAPL')
  for (const [index, cents] of [1000, 1010, 990, 1005].entries())
    ledger.record(print(index, cents, index + 1), minute)
  expect(ledger.publish(minute + 1)).toEqual([
    {
      T: 'b',
      S: 'AAPL',
      o: 10,
      h: 10.1,
      l: 9.9,
      c: 10.05,
      v: 10,
      n: 4,
      vw: 10.01,
      t: '2026-03-02T14:30:00Z',
    },
  ])
})

test('the average is rounded to six decimals, halves up', () => {
  const ledger = new BarLedger('AAPL')
  ledger.record(print(0, 1000, 2), minute)
  ledger.record(print(1, 1001, 1), minute)
  expect(ledger.publish(minute + 1)[0]?.vw).toBe(10.003333)
  ledger.record(print(2, 100, 19_999), minute + 1)
  ledger.record(print(3, 101, 1), minute + 1)
  expect(ledger.publish(minute + 2)[0]?.vw).toBe(1.000001)
})

test('a minute is published once, and not before it has ended', () => {
  const ledger = new BarLedger('AAPL')
  ledger.record(print(0, 1000, 1), minute)
  expect(ledger.publish(minute)).toEqual([])
  expect(ledger.publish(minute + 1)).toHaveLength(1)
  expect(ledger.publish(minute + 1)).toEqual([])
})

test('a late trade takes its place in time, and the bar follows as an update once', () => {
  const ledger = new BarLedger('AAPL')
  ledger.record(print(5, 1000, 1), minute)
  ledger.publish(minute + 1)
  ledger.insert(print(3, 990, 1), minute)
  expect(ledger.publishUpdates()).toMatchObject([{ T: 'u', o: 9.9, h: 10, l: 9.9, c: 10, v: 2, n: 2 }])
  expect(ledger.publishUpdates()).toEqual([])
})

test('a correction before the bar is out is in the bar, without an update', () => {
  const ledger = new BarLedger('AAPL')
  const first = print(1, 1000, 100)
  ledger.record(first, minute)
  ledger.replace(first, print(1, 1001, 50), minute)
  expect(ledger.publish(minute + 1)).toMatchObject([{ o: 10.01, v: 50, n: 1 }])
  expect(ledger.publishUpdates()).toEqual([])
})

test('a minute whose trades were all cancelled has no bar, and does not count for the day', () => {
  const ledger = new BarLedger('AAPL')
  const only = print(1, 1000, 100)
  ledger.record(only, minute)
  ledger.replace(only, undefined, minute)
  expect(ledger.publish(minute + 1)).toEqual([])
  expect(ledger.publishDay()).toBeUndefined()
  expect(ledger.day).toBeUndefined()
})

test('the day counts all its minutes, with what changed in the last two', () => {
  const ledger = new BarLedger('AAPL')
  const prints = [1000, 1100, 900, 1050].map((cents, index) => print(index, cents, 10))
  for (const [index, each] of prints.entries()) ledger.record(each, minute + index)
  ledger.replace(prints[2]!, print(2, 950, 20), minute + 2)
  expect(ledger.publishDay()).toMatchObject({ T: 'd', o: 10, h: 11, l: 9.5, c: 10.5, v: 50, n: 4 })
  expect(ledger.publishDay()).toBeUndefined()
})

test('a new day begins with its own trades alone', () => {
  const ledger = new BarLedger('AAPL')
  for (const each of [midnight - 3, midnight - 2, midnight - 1]) ledger.record(print(each, 1000, 1), each)
  ledger.record(print(midnight, 2000, 7), midnight)
  expect(ledger.publishDay()).toMatchObject({ o: 20, l: 20, v: 7, n: 1, t: '2026-03-03T00:00:00Z' })
  ledger.record(print(midnight + 1, 2100, 1), midnight + 1)
  ledger.record(print(midnight + 2, 2100, 1), midnight + 2)
  expect(ledger.publishDay()).toMatchObject({ o: 20, h: 21, v: 9, n: 3 })
})

test('what is too old to be revised stays as it is', () => {
  const ledger = new BarLedger('AAPL')
  const old = print(0, 1000, 1)
  for (const offset of [0, 1, 2]) ledger.record(offset === 0 ? old : print(offset, 1000, 1), minute + offset)
  expect(ledger.prints(minute)).toEqual([])
  ledger.replace(old, undefined, minute)
  expect(ledger.day).toMatchObject({ trades: 3 })
})
