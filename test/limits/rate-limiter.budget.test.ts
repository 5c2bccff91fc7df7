import { expect, test } from 'vitest'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'

const spendAll = (budget: RateLimiter, nowMs: number): number => {
  let count = 0
  while (count < 1000 && budget.spend(1, nowMs)) count++
  return count
}

test('holds what fills up in its time, and fills up at its rate', () => {
  const budget = new RateLimiter({ perSecond: 50, burstMs: 4000 })
  expect(spendAll(budget, 0)).toBe(200)
  expect(spendAll(budget, 1000)).toBe(50)
  expect(spendAll(budget, 100_000)).toBe(200)
})

test('lets a piece that is larger than it holds pass when full, and waits the longer for the next', () => {
  const budget = new RateLimiter({ perSecond: 1, burstMs: 4000 })
  expect(budget.spend(10, 0)).toBe(true)
  expect([budget.spend(1, 6999), budget.spend(1, 7000)]).toEqual([false, true])
})

test('what is owed is at most half of what it holds', () => {
  const budget = new RateLimiter({ perSecond: 1, burstMs: 4000 })
  budget.charge(1000, 0)
  expect(spendAll(budget, 0)).toBe(2)
})
