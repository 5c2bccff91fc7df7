import { expect, test } from 'vitest'
import { findFailingSnapshots } from './matching-values-model.ts'

test('a snapshot has of each item the newest event that passes and is held, and knows what may be missing', () => {
  expect(findFailingSnapshots(300)).toBeUndefined()
})
