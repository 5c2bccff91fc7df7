import { expect, test } from 'vitest'
import { ReconnectDelay } from '../../../src/commands/tail/follow-stream.ts'

test('doubles its delays up to ten seconds, and is back at the first after a good connection', () => {
  const backoff = new ReconnectDelay(() => 1)
  const delays = Array.from({ length: 8 }, () => backoff.next(20, 0))
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
  expect(backoff.next(10_000, 0)).toBe(250)
})

test('takes at least half of the delay, and a random part of the rest', () => {
  expect(new ReconnectDelay(() => 0).next(0, 0)).toBe(125)
  expect(new ReconnectDelay(() => 0.5).next(0, 0)).toBe(188)
})

test('waits as long as the server asks for', () => {
  expect(new ReconnectDelay(() => 1).next(0, 30_000)).toBe(30_000)
})
