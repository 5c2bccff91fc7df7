import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateLimit } from '../../src/limits/rate-limit.ts'

describe('RateLimit', () => {
  test('lets a second’s worth through at once, and then as much as time brings', () => {
    const rate = new RateLimit({ perSecond: 10 })

    expect(rate.take('ann', 10, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(100)
    expect(rate.take('ann', 1, 99)).toBe(1)
    expect(rate.take('ann', 1, 100)).toBe(0)
    expect(rate.take('ann', 10, 1000)).toBe(100)
    expect(rate.take('ann', 10, 1100)).toBe(0)
  })

  test('takes more than a second’s worth from a full budget, and lets its user wait the longer', () => {
    const rate = new RateLimit({ perSecond: 10 })

    expect(rate.take('ann', 25, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(1600)
    expect(rate.take('ann', 1, 1600)).toBe(0)
  })

  test('gives back no more than a budget holds', () => {
    const rate = new RateLimit({ perSecond: 10 })
    rate.take('ann', 4, 0)
    rate.giveBack('ann', 400)
    rate.giveBack('nobody', 1)

    expect(rate.take('ann', 10, 0)).toBe(0)
    expect(rate.take('ann', 1, 0)).toBe(100)
  })

  test('knows a bounded number of users, and forgets those who published longest ago', () => {
    const rate = new RateLimit({ perSecond: 10 })
    for (let user = 0; user < 10_000; user++) rate.take(`u${user}`, 10, 0)
    rate.take('u0', 1, 100)
    rate.take('new', 10, 100)

    expect(rate.keys).toBe(10_000)
    expect(rate.take('u0', 1, 100)).toBe(100)
    expect(rate.take('u1', 10, 100)).toBe(0)
  })

  test('never lets more through than a burst and the rate allow', () => {
    const steps = fc.array(fc.record({ count: fc.integer({ min: 1, max: 20 }), afterMs: fc.nat(500) }))
    fc.assert(
      fc.property(steps, taken => {
        const rate = new RateLimit({ perSecond: 10 })
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
