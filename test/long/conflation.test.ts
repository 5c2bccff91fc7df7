import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findFailingMembers } from '../feed/interval-conflation/conflation-model.ts'
import { report } from './kafka-faults/scenario.ts'

const runs = 10_000

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

test('ten thousand lists of steps of members of intervals lose and repeat nothing', () => {
  expect(findFailingMembers(runs)).toBeUndefined()
  report('members of intervals, in both forms', { runs })
})
