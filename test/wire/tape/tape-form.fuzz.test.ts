import { expect, test } from 'vitest'
import { TapeNoise } from './tape-noise.ts'

const inputs = 100_000

test('whatever is done to frames, they are read or refused with a TapeError, within the limits', () => {
  const noise = new TapeNoise(1)
  while (noise.counts.inputs < inputs) noise.step()
  const { refused, read, events, reasons } = noise.counts
  // Both happen often, or nothing was tried.
  expect(refused).toBeGreaterThan(inputs / 10)
  expect(read).toBeGreaterThan(inputs / 10)
  expect(events).toBeGreaterThan(inputs / 2)
  expect(reasons.size).toBeGreaterThan(25)
})
