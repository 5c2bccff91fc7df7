import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { defaultDecoder } from '../../src/event/decoder.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Position } from '../../src/event/log-record.ts'
import type { History } from '../../src/history/history.ts'
import { ArrivalTimes } from '../../src/history/arrival-times.ts'
import { LogHistory } from '../../src/history/log-history.ts'
import { openLog } from '../../src/app/open-log.ts'
import { RecordDecoder } from '../../src/ingest/record-decoder.ts'
import { SharedHistory } from '../../src/history/shared-history.ts'
import type { EventLog } from '../../src/log/event-log.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { CountedHistory, readAll } from './counted-history.ts'
import { systemClock } from '../../src/system/clock.ts'

const brokers = inject('kafkaBrokers')
const logger = { warn: (): void => undefined }
const ending: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

async function openKafka(): Promise<EventLog> {
  const topics = await createTopics(brokers, { partitions: 2 })
  ending.push(() => deleteTopics(brokers, topics))
  return open(kafkaVariables(brokers, topics))
}

async function openEmbedded(): Promise<EventLog> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  ending.push(() => rm(folder, { recursive: true, force: true }))
  return open({ TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite') })
}

function open(variables: Readonly<Record<string, string>>): EventLog {
  const { events } = openLog(readConfig({ TICKER_MODE: 'development', ...variables }), logger)
  ending.push(() => events.close())
  return events
}

/** Appends numbered trades of one symbol; the position of the first of them. */
async function append(log: EventLog, count: number): Promise<Position> {
  const events = Array.from(
    { length: count },
    (_, i): MarketEvent => ({ T: 't', S: 'AAPL', i, p: 1, s: 1, t: '2026-01-02T14:30:00Z' }),
  )
  const [first] = await log.append(events)
  if (first === undefined || 'error' in first) throw new Error('not appended', { cause: first })
  return first.position
}

async function countEvents(history: History, [from, to]: readonly [Position, number]): Promise<number> {
  let count = 0
  for await (const { events } of history.read(from, to, new AbortController().signal)) count += events.length
  return count
}

/** What was read of the log, by who shares it and by who does not. */
function historiesOf(log: EventLog): { alone: LogHistory; counted: CountedHistory; shared: SharedHistory } {
  const records = new RecordDecoder({ decoder: defaultDecoder, maxEventBytes: 65_536, logger })
  const arrivals = new ArrivalTimes({ keptMs: 900_000, clock: systemClock })
  const alone = new LogHistory({ log, records, arrivals })
  const counted = new CountedHistory(alone)
  return { alone, counted, shared: new SharedHistory({ history: counted, maxBytes: 33_554_432 }) }
}

describe.each([
  ['the embedded log', openEmbedded],
  ['Kafka', openKafka],
])('%s, read again by many', (_name, openThis) => {
  test('is read and decoded once for 500 who go on from the same place', async () => {
    const log = await openThis()
    const from = await append(log, 5000)
    const { alone, counted, shared } = historiesOf(log)
    const { stable } = await log.ends(from.partition)
    const expected = await readAll(alone, [from, stable])

    const others = Array.from({ length: 499 }, () => countEvents(shared, [from, stable]))
    const last = await readAll(shared, [from, stable])

    expect(expected.events).toHaveLength(5000)
    expect(last).toEqual(expected)
    expect(new Set(await Promise.all(others))).toEqual(new Set([5000]))
    const chunks = Math.ceil((from.offset + 5000) / 2048) - Math.floor(from.offset / 2048)
    expect(counted.reads).toHaveLength(chunks)
    expect(shared.counts.log).toBe(chunks)
    expect(shared.counts.log + shared.counts.shared + shared.counts.cache).toBe(500 * chunks)
    expect(shared.reads).toBe(0)
    expect(shared.bytes).toBeGreaterThan(5000 * 500)
  })

  test('a later reader gets the cached chunks, wherever its range begins and ends', async () => {
    const log = await openThis()
    const { partition, epoch, offset } = await append(log, 3000)
    const { alone, counted, shared } = historiesOf(log)
    await readAll(shared, [{ partition, epoch, offset }, offset + 3000])
    const { length } = counted.reads
    for (const [from, to] of [
      [0, 3000],
      [1, 2],
      [1000, 1100],
      [2047, 2049],
      [1023, 2999],
      [2999, 3000],
    ] as const) {
      const range = [{ partition, epoch, offset: offset + from }, offset + to] as const
      expect(await readAll(shared, range)).toEqual(await readAll(alone, range))
    }
    expect(counted.reads).toHaveLength(length)
  })

  test('continues where the log has grown meanwhile', async () => {
    const log = await openThis()
    const from = await append(log, 100)
    const { shared } = historiesOf(log)
    expect((await readAll(shared, [from, Number.MAX_SAFE_INTEGER])).events).toHaveLength(100)
    await append(log, 50)
    expect((await readAll(shared, [from, Number.MAX_SAFE_INTEGER])).events).toHaveLength(150)
  })

  test('rejects for all readers of a topic that was recreated', async () => {
    const log = await openThis()
    const from = await append(log, 100)
    const { shared } = historiesOf(log)
    const stale = { ...from, epoch: 'another' }
    const results = await Promise.allSettled([1, 2, 3].map(() => readAll(shared, [stale, from.offset + 100])))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect((await readAll(shared, [from, from.offset + 100])).events).toHaveLength(100)
  })
})
