import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Step, Where } from './simulation/steps.ts'
import { fakedTimers, ReaderSimulation } from './simulation/reader-simulation.ts'

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

const tape = {
  transport: 'websocket',
  policy: {},
  conflateMs: 0,
  isAcknowledging: false,
  form: 'ticker.v1.tape',
} as const
const subscribed = (client: number, where: Where): Step => ({
  action: 'subscribe',
  client,
  where,
  items: [{ channel: 'trades', symbol: '*' }],
  snapshot: false,
})
const stalled = (client: number): Step => ({ action: 'stall', client, ballast: 200_000 })
const drained = (client: number): Step => ({ action: 'drain', client })
const answered: Step = { action: 'turns', count: 20 }
const trades: Step = {
  action: 'publish',
  records: Array.from({ length: 8 }, () => ({ kind: 'trade', symbol: 'A', size: 0 })),
  readers: [0],
}

// The records of recent events are kept for all readers of the tape form, as changes of the event before: a
// reader that passes events over has records of its own.
test.each([
  [0, 1],
  [1, 0],
])('readers of the same events get the same changes, whichever has a filter (%d first)', async (...order) => {
  const simulation = new ReaderSimulation({
    windowBytes: 16_777_216,
    maxItems: 200_000,
    clients: [tape, tape],
  })
  const steps = [
    subscribed(0, { trades: { s: { gte: 3 } } }),
    subscribed(1, {}),
    answered,
    stalled(0),
    stalled(1),
    trades,
    { action: 'wait', ms: 100 } as const,
    ...order.flatMap(client => [drained(client), answered]),
  ]
  for (const step of steps) await simulation.perform(step)
  await simulation.settle()
  await simulation.end()
  expect(simulation.faults).toEqual([])
})
