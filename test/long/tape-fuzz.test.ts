import { expect, test } from 'vitest'
import { TapeNoise } from '../wire/tape/tape-noise.ts'
import { report } from './kafka-faults/scenario.ts'

/** `TICKER_TEST_SEED=n` for other frames. */
const seed = Number(process.env['TICKER_TEST_SEED'] ?? 20)
const inputs = 10_000_000
/** Other connections are made so often. */
const inputsEach = 250_000
const mebibyte = 2 ** 20

test('ten million damaged frames are read or refused with a TapeError, and no memory grows', () => {
  const reasons = new Set<string>()
  const total = { inputs: 0, refused: 0, read: 0, events: 0 }
  const memory: number[] = []
  for (let round = 0; total.inputs < inputs; round++) {
    const noise = new TapeNoise(seed * 1000 + round)
    const { counts } = noise
    while (counts.inputs < inputsEach) noise.step()
    total.inputs += counts.inputs
    total.refused += counts.refused
    total.read += counts.read
    total.events += counts.events
    for (const reason of counts.reasons.keys()) reasons.add(reason)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    memory.push((heapUsed + arrayBuffers) / mebibyte)
  }
  const most = Math.max(...memory)
  report(`frames with errors, seed ${seed}`, {
    ...total,
    'kinds of error': reasons.size,
    'most memory, MiB': Math.round(most),
  })

  expect(total.refused).toBeGreaterThan(inputs / 10)
  expect(total.read).toBeGreaterThan(inputs / 10)
  expect(most).toBeLessThan(400)
}, 3_600_000)
