import { expect, test } from 'vitest'
import { dayOf, dayText, minuteText, Timestamps } from '../../src/demo/timestamps.ts'

const timestamps = new Timestamps(Date.parse('2026-12-31T23:59:58.900Z'))

test.each([
  [0, '2026-12-31T23:59:58.900000000Z'],
  [1, '2026-12-31T23:59:58.900000001Z'],
  [99_999_999, '2026-12-31T23:59:58.999999999Z'],
  [100_000_000, '2026-12-31T23:59:59.000000000Z'],
  [1_100_000_000, '2027-01-01T00:00:00.000000000Z'],
  [86_400e9 * 100 + 7, '2027-04-10T23:59:58.900000007Z'],
  [5, '2026-12-31T23:59:58.900000005Z'],
])('%d ns after the start it is %s', (ns, text) => {
  expect(timestamps.text(ns)).toBe(text)
})

test('a minute begins with its first nanosecond', () => {
  const before = timestamps.minute(1_099_999_999)
  expect(minuteText(before)).toBe('2026-12-31T23:59:00Z')
  expect(timestamps.minute(1_100_000_000)).toBe(before + 1)
  expect(timestamps.sinceMinute(1_100_000_001)).toBe(1)
})

test('the next half minute is after now', () => {
  expect(timestamps.nextHalfMinute(0)).toBe(1_100_000_000)
  expect(timestamps.nextHalfMinute(1_100_000_000)).toBe(31_100_000_000)
})

test('a day is one of UTC', () => {
  const minute = timestamps.minute(1_100_000_000)
  expect(dayText(dayOf(minute))).toBe('2027-01-01T00:00:00Z')
  expect(dayText(dayOf(minute - 1))).toBe('2026-12-31T00:00:00Z')
})
