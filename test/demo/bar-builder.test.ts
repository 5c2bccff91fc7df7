import { expect, test } from 'vitest'
import { BarBuilder, type Print } from '../../src/demo/bar-builder.ts'

const minute = Date.parse('2026-03-02T14:30:00Z') / 60_000
/** The first minute of the next day. */
const midnight = Math.ceil(minute / 1440) * 1440

function print(ns: number, cents: number, size: number): Print {
  return { ns, cents, trade: { T: 't', S: 'AAPL', p: cents / 100, s: size, t: '' } }
}

test('a bar has the first, highest, lowest and last price, the volume, the number and the average', () => {
  const barBuilder = new BarBuilder('AAPL')
  for (const [index, cents] of [1000, 1010, 990, 1005].entries())
    barBuilder.record(print(index, cents, index + 1), minute)
  expect(barBuilder.publish(minute + 1)).toEqual([
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
  const barBuilder = new BarBuilder('AAPL')
  barBuilder.record(print(0, 1000, 2), minute)
  barBuilder.record(print(1, 1001, 1), minute)
  expect(barBuilder.publish(minute + 1)[0]?.vw).toBe(10.003333)
  barBuilder.record(print(2, 100, 19_999), minute + 1)
  barBuilder.record(print(3, 101, 1), minute + 1)
  expect(barBuilder.publish(minute + 2)[0]?.vw).toBe(1.000001)
})

test('a minute is published once, and not before it has ended', () => {
  const barBuilder = new BarBuilder('AAPL')
  barBuilder.record(print(0, 1000, 1), minute)
  expect(barBuilder.publish(minute)).toEqual([])
  expect(barBuilder.publish(minute + 1)).toHaveLength(1)
  expect(barBuilder.publish(minute + 1)).toEqual([])
})

test('a late trade takes its place in time, and the bar follows as an update once', () => {
  const barBuilder = new BarBuilder('AAPL')
  barBuilder.record(print(5, 1000, 1), minute)
  barBuilder.publish(minute + 1)
  barBuilder.insert(print(3, 990, 1), minute)
  expect(barBuilder.publishUpdates()).toMatchObject([{ T: 'u', o: 9.9, h: 10, l: 9.9, c: 10, v: 2, n: 2 }])
  expect(barBuilder.publishUpdates()).toEqual([])
})

test('a correction before the bar is out is in the bar, without an update', () => {
  const barBuilder = new BarBuilder('AAPL')
  const first = print(1, 1000, 100)
  barBuilder.record(first, minute)
  barBuilder.replace(first, print(1, 1001, 50), minute)
  expect(barBuilder.publish(minute + 1)).toMatchObject([{ o: 10.01, v: 50, n: 1 }])
  expect(barBuilder.publishUpdates()).toEqual([])
})

test('a minute whose trades were all cancelled has no bar, and does not count for the day', () => {
  const barBuilder = new BarBuilder('AAPL')
  const only = print(1, 1000, 100)
  barBuilder.record(only, minute)
  barBuilder.replace(only, undefined, minute)
  expect(barBuilder.publish(minute + 1)).toEqual([])
  expect(barBuilder.publishDay()).toBeUndefined()
  expect(barBuilder.day).toBeUndefined()
})

test('the day counts all its minutes, with what changed in the last two', () => {
  const barBuilder = new BarBuilder('AAPL')
  const prints = [1000, 1100, 900, 1050].map((cents, index) => print(index, cents, 10))
  for (const [index, each] of prints.entries()) barBuilder.record(each, minute + index)
  barBuilder.replace(prints[2]!, print(2, 950, 20), minute + 2)
  expect(barBuilder.publishDay()).toMatchObject({ T: 'd', o: 10, h: 11, l: 9.5, c: 10.5, v: 50, n: 4 })
  expect(barBuilder.publishDay()).toBeUndefined()
})

test('a new day begins with its own trades alone', () => {
  const barBuilder = new BarBuilder('AAPL')
  for (const each of [midnight - 3, midnight - 2, midnight - 1]) barBuilder.record(print(each, 1000, 1), each)
  barBuilder.record(print(midnight, 2000, 7), midnight)
  expect(barBuilder.publishDay()).toMatchObject({ o: 20, l: 20, v: 7, n: 1, t: '2026-03-03T00:00:00Z' })
  barBuilder.record(print(midnight + 1, 2100, 1), midnight + 1)
  barBuilder.record(print(midnight + 2, 2100, 1), midnight + 2)
  expect(barBuilder.publishDay()).toMatchObject({ o: 20, h: 21, v: 9, n: 3 })
})

test('what is too old to be revised stays as it is', () => {
  const barBuilder = new BarBuilder('AAPL')
  const old = print(0, 1000, 1)
  for (const offset of [0, 1, 2])
    barBuilder.record(offset === 0 ? old : print(offset, 1000, 1), minute + offset)
  expect(barBuilder.prints(minute)).toEqual([])
  barBuilder.replace(old, undefined, minute)
  expect(barBuilder.day).toMatchObject({ trades: 3 })
})
