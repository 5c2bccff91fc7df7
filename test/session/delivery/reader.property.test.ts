import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakedTimers, findFailingSteps } from './simulation/reader-simulation.ts'

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

// 10,000 runs: `npm run test:long -- readers`.
test('whatever happens to a client, its nodes and the log, it gets every event once, or is told which it does not get', async () => {
  expect(await findFailingSteps(Number(process.env['TICKER_TEST_RUNS'] ?? 300))).toBeUndefined()
}, 1_000_000)
