import { expect, test } from 'vitest'
import {
  conflationIntervalFor,
  conflationIntervalsMs,
} from '../../../src/feed/interval-conflation/conflation-intervals.ts'
import { maxConflateMs } from '../../../src/protocol/command.ts'

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
  expect(conflationIntervalFor(wishMs)).toBe(intervalMs)
})

test('the longest interval is the longest wish, and they rise', () => {
  expect(conflationIntervalsMs.at(-1)).toBe(maxConflateMs)
  expect([...conflationIntervalsMs]).toEqual(conflationIntervalsMs.toSorted((a, b) => a - b))
})
