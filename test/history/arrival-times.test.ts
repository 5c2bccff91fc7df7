import { expect, test } from 'vitest'
import { ArrivalTimes } from '../../src/history/arrival-times.ts'
import type { LogBatch } from '../../src/log/event-log.ts'
import { TestClock } from '../support/test-clock.ts'

const keptMs = 64_000
const partition = { topic: 'market', partition: 0 }
const batch = (from: number, to: number, changes: Partial<LogBatch> = {}): LogBatch => ({
  partition,
  epoch: 'one',
  from,
  to,
  stable: to,
  records: [],
  ...changes,
})

/** A batch of ten records each second, so many seconds. */
function afterSeconds(seconds: number): { readonly arrivals: ArrivalTimes; readonly clock: TestClock } {
  const clock = new TestClock()
  const arrivals = new ArrivalTimes({ keptMs, clock })
  for (let second = 0; second < seconds; second++) {
    arrivals.note(batch(1000 + second * 10, 1010 + second * 10))
    clock.pass(1000)
  }
  return { arrivals, clock }
}

test('everything since the node began to read is recent, at first', () => {
  expect(afterSeconds(30).arrivals.of(partition)?.recent).toBe(1000)
  expect(afterSeconds(0).arrivals.of(partition)).toBeUndefined()
})

test('later only what arrived within the kept time is recent', () => {
  expect(afterSeconds(1000).arrivals.of(partition)?.recent).toBe(1000 + (1000 - 64) * 10)
})

test('nothing is recent after a longer silence', () => {
  const { arrivals, clock } = afterSeconds(30)
  clock.pass(keptMs)
  expect(arrivals.of(partition)?.recent).toBe(1300)
})

test('records from before a pause do not count as later ones', () => {
  const { arrivals, clock } = afterSeconds(30)
  clock.pass(40_000)
  arrivals.note(batch(1300, 1310))
  clock.pass(30_000)
  expect(arrivals.of(partition)?.recent).toBe(1290)
})

test.each([
  ['whose topic was recreated', { epoch: 'two' }],
  ['that was cut back', {}],
])('a partition %s is begun anew', (_, changes) => {
  const { arrivals } = afterSeconds(100)
  arrivals.note(batch(5, 6, changes))
  expect(arrivals.of(partition)?.recent).toBe(5)
})

test('knows the newest timestamp', () => {
  const { arrivals } = afterSeconds(1)
  for (const [index, timestampMs] of [5, 7, 6].entries()) {
    const offset = 1010 + index
    const record = { offset, timestampMs, key: null, value: null, headers: [] }
    arrivals.note(batch(offset, offset + 1, { records: [record] }))
  }
  expect(arrivals.of(partition)?.newestMs).toBe(7)
})

// Cause: that a record has no timestamp was kept as the newest of its partition's times.
// Symptom: how far back a reader may go without the right to history was counted from 1970: as far as the log
// reached.
// Seen: reading, for everything that takes a timestamp as it is.
test.each([-1, 0])('takes no record for the newest that has no timestamp (%d)', timestampMs => {
  const { arrivals } = afterSeconds(1)
  const record = { offset: 1010, timestampMs, key: null, value: null, headers: [] }
  arrivals.note(batch(1010, 1011, { records: [record] }))
  expect(arrivals.of(partition)?.newestMs).toBeUndefined()
})
