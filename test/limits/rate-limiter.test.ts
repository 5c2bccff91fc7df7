import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyedRateLimiter } from '../../src/limits/rate-limiter.ts'

describe('RateLimit', () => {
  test('lets a second’s worth through at once, and then as much as time brings', () => {
    const rate = new KeyedRateLimiter({ perSecond: 10 })

    expect(rate.take('ann', 10, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(100)
    expect(rate.take('ann', 1, 99)).toBe(1)
    expect(rate.take('ann', 1, 100)).toBe(0)
    expect(rate.take('ann', 10, 1000)).toBe(100)
    expect(rate.take('ann', 10, 1100)).toBe(0)
  })

  test('takes more than a second’s worth from a full budget, and lets its user wait the longer', () => {
    const rate = new KeyedRateLimiter({ perSecond: 10 })

    expect(rate.take('ann', 25, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(1600)
    expect(rate.take('ann', 1, 1600)).toBe(0)
  })

  test('gives back no more than a budget holds', () => {
    const rate = new KeyedRateLimiter({ perSecond: 10 })
    rate.take('ann', 4, 0)
    rate.refund('ann', 400)
    rate.refund('nobody', 1)

    expect(rate.take('ann', 10, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(100)
  })

  /**
   * Cause: beyond 10,000 keys the one that took longest ago was forgotten, whatever it had used up.
   * Symptom: a user over his limit had a full budget again once 10,000 others came by.
   * Seen: by reading.
   */
  test('forgets those whose budget is full again, and nobody who has used his up', () => {
    const rate = new KeyedRateLimiter({ perSecond: 10 })
    rate.take('greedy', 1000, 0)
    for (let user = 0; user < 50_000; user++) rate.take(`u${user}`, 1, user)

    expect(rate.keys).toBeLessThanOrEqual(10_000)
    expect(rate.take('greedy', 10, 50_000)).toBe(50_000)
    expect(rate.take('u49999', 10, 50_000)).toBeGreaterThan(0)
  })

  test('keeps all who have used something, however many they are', () => {
    const rate = new KeyedRateLimiter({ perSecond: 10 })
    for (let user = 0; user < 30_000; user++) rate.take(`u${user}`, 10, 0)

    expect(rate.take('u0', 10, 0)).toBe(1000)
    expect(rate.take('u0', 10, 1000)).toBe(0)
    for (let user = 0; user < 30_000; user++) rate.take(`v${user}`, 10, 1000)
    expect(rate.keys).toBeLessThanOrEqual(40_001)
  })

  test('never lets more through than a burst and the rate allow', () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 20 }), afterMs: fc.nat(500) }))
    fc.assert(
      fc.property(steps, taken => {
        const rate = new KeyedRateLimiter({ perSecond: 10 })
        let nowMs = 0
        let passed = 0
        for (const { count, afterMs } of taken) {
          nowMs += afterMs
          if (rate.take('ann', count, nowMs) === 0) passed += count
        }
        // One request of more than the rest of the budget may be let through, up to 20 instead of 10 events.
        expect(passed).toBeLessThanOrEqual(10 + nowMs / 100 + 10)
      }),
    )
  })
})
