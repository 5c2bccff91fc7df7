import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakedTimers, findFailingSteps } from './simulation/reader-simulation.ts'

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

// 10,000 runs: `npm run test:long -- readers`.
test('whatever happens to clients, nodes and log, each event comes once or is reported as lost', async () => {
  expect(await findFailingSteps(Number(process.env['TICKER_TEST_RUNS'] ?? 300))).toBeUndefined()
}, 1_000_000)
