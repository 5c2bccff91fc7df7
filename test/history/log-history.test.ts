import { afterEach, expect, test } from 'vitest'
import { type Decoder, defaultDecoder } from '../../src/event/decoder.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Position } from '../../src/event/log-record.ts'
import { ArrivalTimes } from '../../src/history/arrival-times.ts'
import { LogHistory } from '../../src/history/log-history.ts'
import { RecordDecoder } from '../../src/ingest/record-decoder.ts'
import { openTemporaryLog, type TemporaryLog } from '../log/embedded/temporary-log.ts'
import { readAll } from './counted-history.ts'
import { DelayedLog } from '../../src/log/delayed-log.ts'
import { systemClock } from '../../src/system/clock.ts'

const logger = { warn: (): void => undefined }
let temporary: TemporaryLog | undefined

afterEach(async () => {
  await temporary?.close()
  temporary = undefined
})

async function append(count: number): Promise<readonly [TemporaryLog, Position]> {
  temporary = await openTemporaryLog()
  const events = Array.from(
    { length: count },
    (_, i): MarketEvent => ({ T: 't', S: 'AAPL', i, p: 1, s: 1, t: '2026-01-02T14:30:00Z' }),
  )
  const [first] = await temporary.log.append(events)
  if (first === undefined || 'error' in first) throw new Error('not appended', { cause: first })
  return [temporary, first.position]
}

function historyOf({ log }: TemporaryLog, decoder: Decoder): LogHistory {
  return new LogHistory({
    log,
    records: new RecordDecoder({ decoder, maxEventBytes: 65_536, logger }),
    arrivals: new ArrivalTimes({ keptMs: 900_000, clock: systemClock }),
  })
}

// Cause: a thousand records were decoded in one turn of the event loop, however long a decoder module takes
// for one.
// Symptom: while sessions resumed, everything stood still for 5 ms and more at a time.
// Seen by: reading, then by the loop turns counted here.
test('the event loop turns while records are decoded that take their time', async () => {
  const [log, position] = await append(200)
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  const slow: Decoder = {
    decode(record) {
      const untilMs = performance.now() + 0.5
      while (performance.now() < untilMs);
      return defaultDecoder.decode(record)
    },
  }
  setImmediate(count)
  const { ranges, events } = await readAll(historyOf(log, slow), [position, position.offset + 200])
  isOver = true
  expect(events).toHaveLength(200)
  expect(ranges).toEqual([[position.offset, position.offset + 200]])
  expect(turns).toBeGreaterThanOrEqual(60)
})

test('omits poison and ignored records; the range still covers them', async () => {
  const [log, position] = await append(10)
  const some: Decoder = {
    decode(record) {
      if (record.offset % 3 === 0) return undefined
      return record.offset % 3 === 1 ? { T: 'x' } : defaultDecoder.decode(record)
    },
  }
  const { ranges, events } = await readAll(historyOf(log, some), [position, position.offset + 10])
  expect(events).toHaveLength(3)
  expect(ranges).toEqual([[position.offset, position.offset + 10]])
})

test('of a delayed feed ends at what is due, but knows where the log ends', async () => {
  const [opened, position] = await append(3)
  const delayed = { ...opened, log: new DelayedLog({ log: opened.log, delayMs: 900_000 }) }
  const history = historyOf(delayed, defaultDecoder)
  const { partition, offset } = position
  expect(await history.readableRange(partition)).toEqual({ first: offset, recent: offset, stable: offset })
  expect(await readAll(history, [position, offset + 3])).toMatchObject({ events: [] })
  expect(await history.end(partition)).toBe(offset + 3)
})
