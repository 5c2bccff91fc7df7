import { expect, test } from 'vitest'
import { Random } from '../../src/demo/random.ts'

function sample(draw: (random: Random) => number): { readonly mean: number; readonly deviation: number } {
  const random = new Random(42)
  const values = Array.from({ length: 100_000 }, () => draw(random))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, deviation: Math.sqrt(variance) }
}

test.each([
  { name: 'unit', draw: (random: Random) => random.unit(), mean: 0.5, deviation: Math.sqrt(1 / 12) },
  { name: 'normal', draw: (random: Random) => random.normal(), mean: 0, deviation: 1 },
  { name: 'exponential', draw: (random: Random) => random.exponential(), mean: 1, deviation: 1 },
  { name: 'below', draw: (random: Random) => random.below(4), mean: 1.5, deviation: Math.sqrt(15 / 12) },
])('$name has its mean and deviation', ({ draw, mean, deviation }) => {
  const found = sample(draw)
  expect(found.mean).toBeCloseTo(mean, 1)
  expect(found.deviation).toBeCloseTo(deviation, 1)
})

test('seeds that differ only above 32 bits differ', () => {
  expect(new Random(7).unit()).not.toBe(new Random(7 + 2 ** 32).unit())
})
