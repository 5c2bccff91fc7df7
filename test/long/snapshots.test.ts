import { expect, test } from 'vitest'
import { findFailingSnapshots } from '../feed/last-values/matching-values-model.ts'
import { report } from './kafka-faults/scenario.ts'

const runs = 10_000

test('ten thousand lists of steps of a node miss no value that passes a filter', () => {
  expect(findFailingSnapshots(runs)).toBeUndefined()
  report('snapshots of filtered channels', { runs })
})
