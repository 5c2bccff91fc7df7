import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FlushPacing } from '../../src/fanout/flush-pacing.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A pacing over a clock that stands, and a flush that takes some of its time. */
function pacingOf(mostMs: number, costMs: number) {
  const pacing = new FlushPacing({ mostMs, now: () => Date.now() })
  const flushedAt: number[] = []
  const startMs = Date.now()
  const flush = (): void =>
    pacing.measure(() => {
      flushedAt.push(Date.now() - startMs)
      vi.setSystemTime(Date.now() + costMs)
    })
  return { ask: () => pacing.ask(flush), flush, flushedAt }
}

test('an idle node writes at once, each time', async () => {
  const { ask, flushedAt } = pacingOf(5, 0)
  ask()
  ask()
  await vi.advanceTimersByTimeAsync(3)
  ask()
  expect(flushedAt).toEqual([0, 0, 3])
})

test('after a flush that took long the next one waits as long, once for all that ask', async () => {
  const { ask, flushedAt } = pacingOf(5, 2)
  ask()
  ask()
  ask()
  expect(flushedAt).toEqual([0])
  await vi.advanceTimersByTimeAsync(10)
  expect(flushedAt).toEqual([0, 4])
})

test('nothing waits longer than is allowed, however long a flush took', async () => {
  const { ask, flushedAt } = pacingOf(5, 100)
  ask()
  ask()
  await vi.advanceTimersByTimeAsync(5)
  expect(flushedAt).toEqual([0, 105])
})

test('a flush that is needed earlier takes the place of the one that waits', async () => {
  const { ask, flush, flushedAt } = pacingOf(5, 2)
  ask()
  ask()
  flush()
  await vi.advanceTimersByTimeAsync(10)
  expect(flushedAt).toEqual([0, 2])
})
