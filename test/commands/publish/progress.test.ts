import { expect, test } from 'vitest'
import { describeProgress } from '../../../src/commands/publish/progress.ts'

test('says how far it is, how fast, and how long it will take', () => {
  expect(describeProgress({ fraction: 0.25, events: 50_000 }, 5000)).toBe(
    '25 %, 50,000 events, 10,000/s, 15 s left',
  )
})

test('says no more than it knows', () => {
  expect(describeProgress({ fraction: 0, events: 0 }, 0)).toBe('0 %, 0 events')
  expect(describeProgress({ fraction: undefined, events: 300 }, 1000)).toBe('300 events, 300/s')
})
