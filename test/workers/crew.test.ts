import { expect, test } from 'vitest'
import { replacementDelayMs } from '../../src/workers/crew.ts'

test('a worker that crashes again and again is replaced after a growing delay', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 2000].map(replacementDelayMs)).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ])
})
