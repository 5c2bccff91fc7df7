import { expect, test } from 'vitest'
import { EventLoopDelay } from '../../src/metrics/event-loop-delay.ts'

const gapMs = 200
/** A timer may fire a little early. */
const leastGap = (0.9 * gapMs) / 1000

/** Lets nobody else run. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Until both monitors have sampled: before their first sample they know of no gap. */
async function startDelay(): Promise<EventLoopDelay> {
  const delay = new EventLoopDelay(0)
  await expect.poll(() => delay.read(0).p50, { interval: 10 }).toBeGreaterThan(0)
  return delay
}

test('tells the longest gap to every reader, until at least a minute has passed', async () => {
  const delay = await startDelay()
  block(gapMs)
  await expect.poll(() => delay.read(0).max, { interval: 10 }).toBeGreaterThan(leastGap)

  const first = delay.read(1)
  const second = delay.read(59_999)
  const afterOneTurn = delay.read(60_000)
  const afterTwo = delay.read(120_000)

  expect(second.max).toBe(first.max)
  expect(afterOneTurn.max).toBeGreaterThan(leastGap)
  expect(afterTwo.max).toBeLessThan(leastGap)
})
