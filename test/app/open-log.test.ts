import { expect, test } from 'vitest'
import { describeFeeds } from '../../src/app/open-log.ts'

test.each([
  [[{ name: 'live', delayMs: 0 }], 'feed live'],
  [[{ name: 'late', delayMs: 1000 }], 'feed late (1000 ms later)'],
] as const)('one feed is named, with its delay if it has one', (feeds, words) => {
  expect(describeFeeds({ feeds: [...feeds] })).toBe(words)
})

// Cause: a delay was left out in TICKER_FEEDS=live,delayed, and --check-config said "feeds live, delayed".
// Symptom: users of delayed data would have had live data. Seen by reading what the command prints.
test('of several feeds each says its delay, or that it has none', () => {
  const feeds = [
    { name: 'live', delayMs: 0 },
    { name: 'delayed', delayMs: 0 },
    { name: 'late', delayMs: 900_000 },
  ] as const
  expect(describeFeeds({ feeds: [...feeds] })).toBe(
    'feeds live (no delay), delayed (no delay), late (900000 ms later)',
  )
})
