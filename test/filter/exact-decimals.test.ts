import fc from 'fast-check'
import { expect, test } from 'vitest'
import { difference, middle, product } from '../../src/filter/exact-decimals.ts'

/** Decimals as producers write them: so many digits, of which some are after the point. */
const decimal = fc
  .tuple(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), fc.integer({ min: 0, max: 9 }))
  .map(([digits, fraction]) => ({
    digits: BigInt(digits),
    fraction,
    value: Number(`${digits}e-${fraction}`),
  }))

test.each([
  [10.03, 10.01, 0.02],
  [1.02, 1, 0.02],
  [0.3, 0.1, 0.2],
  [100.01, 100, 0.01],
  [1e15, 0.000001, Number('999999999999999.999999')],
  [0.00001234, 0.00001233, 1e-8],
  [-37.63, 0.01, -37.64],
  [5e-324, 5e-324, 0],
])('%d - %d is %d', (a, b, expected) => {
  expect(difference(a, b)).toBe(expected)
})

test.each([
  [10.03, 10.01, 10.02],
  [10.02, 10.01, 10.015],
  [0.1, 0.2, 0.15],
  [0.00000001, 0.00000002, 0.000000015],
])('the middle of %d and %d is %d', (a, b, expected) => {
  expect(middle(a, b)).toBe(expected)
})

test.each([
  [10.1, 3, 30.3],
  [1.1, 1.1, 1.21],
  [126.55, 200, 25_310],
  [69_420.69, 0.00123456, 85.7040070464],
  [2 ** 53 - 1, 2 ** 53 - 1, (2 ** 53 - 1) ** 2],
  [0, 0.1, 0],
])('%d * %d is %d', (a, b, expected) => {
  expect(product(a, b)).toBe(expected)
})

test('agrees with whole numbers of any size, rounded once', () => {
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const fraction = Math.max(a.fraction, b.fraction)
      const scaled = (of: typeof a): bigint => of.digits * 10n ** BigInt(fraction - of.fraction)
      const sum = scaled(a) + scaled(b)
      expect(difference(a.value, b.value) + 0).toBe(Number(`${scaled(a) - scaled(b)}e-${fraction}`) + 0)
      expect(middle(a.value, b.value) + 0).toBe(Number(`${sum * 5n}e-${fraction + 1}`) + 0)
      expect(product(a.value, b.value) + 0).toBe(
        Number(`${a.digits * b.digits}e-${a.fraction + b.fraction}`) + 0,
      )
    }),
    { numRuns: 2000 },
  )
})
