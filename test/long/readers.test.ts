import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { brokenRun } from '../session/reader/delivery-property.ts'
import { fakedTimers } from '../session/reader/world.ts'
import { report } from './kafka-faults/scenario.ts'

const runs = 10_000

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

test('ten thousand lists of acts on clients, nodes and the log lose and repeat nothing', async () => {
  expect(await brokenRun(runs)).toBeUndefined()
  report('readers, by a strict client', { runs })
})
