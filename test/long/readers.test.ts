import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakedTimers, findFailingSteps } from '../session/delivery/simulation/reader-simulation.ts'
import { report } from './kafka-faults/scenario.ts'

const runs = 10_000

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

test('ten thousand lists of steps of clients, nodes and the log lose and repeat nothing', async () => {
  expect(await findFailingSteps(runs)).toBeUndefined()
  report('readers, by a checking client', { runs })
})
