import { expect, test } from 'vitest'
import { Random, WeightedChoice } from '../../src/demo/random.ts'

test('draws in proportion to the weights, and never what weighs nothing', () => {
  const random = new Random(1)
  const choice = new WeightedChoice(['a', 'b', 'c', 'd'], [1, 0, 3, 6])
  const counts: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 }
  for (let draw = 0; draw < 100_000; draw++) counts[choice.draw(random)]!++
  expect(counts['b']).toBe(0)
  expect(counts['a']! / 1e5).toBeCloseTo(0.1, 2)
  expect(counts['c']! / 1e5).toBeCloseTo(0.3, 2)
  expect(counts['d']! / 1e5).toBeCloseTo(0.6, 2)
})

test('says that there is nothing to choose from', () => {
  expect(() => new WeightedChoice([], []).draw(new Random(1))).toThrow(RangeError)
})
