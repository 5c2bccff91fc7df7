import { expect, test } from 'vitest'
import { intervalFor, intervalsMs, maxIntervalMs } from '../../src/fanout/intervals.ts'

test.each([
  [0, 0],
  [1, 100],
  [100, 100],
  [101, 250],
  [250, 250],
  [999, 1000],
  [30_001, 60_000],
  [120_000, 120_000],
])('a wish for %i ms is met every %i ms', (wishMs, intervalMs) => {
  expect(intervalFor(wishMs)).toBe(intervalMs)
})

test('the longest interval is the last, and they rise', () => {
  expect(intervalsMs.at(-1)).toBe(maxIntervalMs)
  expect([...intervalsMs]).toEqual(intervalsMs.toSorted((a, b) => a - b))
})
