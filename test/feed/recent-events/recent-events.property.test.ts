import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Step, WindowModel } from './window-model.ts'

const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(3) },
  fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 33),
)
const size = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 10, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1000, max: 9000 }) },
  fc.constantFrom(1, 20_000, 60_000, 100_000),
)
/** Some items far more often than others, and some that come and go. */
const items = fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, fc.nat(11)), {
  minLength: 1,
  maxLength: 20,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append'),
      gaps: fc.array(gap, { minLength: 1, maxLength: 120, size: 'max' }),
      size,
      items,
      copies: fc.constantFrom(1, 1, 3, 40),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance'), by: fc.oneof(fc.nat(3), fc.constant(2 ** 32)) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gap'), by: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget'), item: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.oneof(fc.nat(1500), fc.nat(12_000)) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('read'), reader: fc.nat(), limit: fc.nat() }),
  },
)

test('whatever is added and dropped, readers get what a list would give, or the lost ranges', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), steps => {
      const model = new WindowModel()
      for (const one of steps) model.step(one)
      model.finish()
      expect(model.faults.slice(0, 3)).toEqual([])
    }),
    { numRuns: 200 },
  )
})
