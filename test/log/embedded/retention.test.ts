import { stat } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import { appendAll, bound, endOf, eventsOf, readArrays, readRange } from '../conformance/reading.ts'
import { sampleNews, sampleTrade, sampleTrades } from '../conformance/sample-event.ts'
import { TestClock } from '../../support/test-clock.ts'
import { openTemporaryLog, type TemporaryLog } from './temporary-log.ts'

const mebibyte = 2 ** 20
const ends: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

test('the file stops growing at its limit, and keeps the newest records', async () => {
  const { log, path } = await open({ retentionBytes: 2 * mebibyte })
  const sizes: number[] = []
  let last = 0
  for (let round = 0; round < 12; round += 1) {
    const positions = await appendAll(log, sampleTrades('AAPL', 8000))
    last = positions.at(-1)!.offset
    // Some 170 bytes a record: 8,000 are more than a mebibyte.
    await expect.poll(async () => last - (await log.ends(positions[0]!.partition)).first).toBeLessThan(15_000)
    sizes.push((await stat(path)).size)
  }
  expect(Math.max(...sizes)).toBeLessThan(5 * mebibyte)
  const [trades] = (await endOf(log)).filter(({ partition }) => partition.topic === 'market.trades')
  const { first, stable } = await log.ends(trades!.partition)
  expect(stable).toBe(12 * 8000)
  expect(first).toBeGreaterThan(stable - 15_000)
  expect(first).toBeLessThan(stable - 5000)
})

test('a reader overtaken by retention continues at the first record', async () => {
  const { log } = await open({ retentionBytes: mebibyte })
  const [begin] = await appendAll(log, [sampleTrade('AAPL', 0)])
  const { partition } = begin!
  const reader = log.tail([begin!], bound())[Symbol.asyncIterator]()
  await reader.next()
  await appendAll(log, sampleTrades('AAPL', 20_000))
  await expect.poll(async () => (await log.ends(partition)).first).toBeGreaterThan(10_000)
  const before = await log.ends(partition)
  const [tailed] = (await reader.next()).value
  const [ranged] = await readRange(log, partition, [0, before.stable])
  const after = await log.ends(partition)
  for (const batch of [tailed, ranged]) {
    expect(batch.from).toBe(batch.records[0].offset)
    expect(batch.from).toBeGreaterThanOrEqual(before.first)
    expect(batch.from).toBeLessThanOrEqual(after.first)
  }
  await reader.return?.()
})

test('records are dropped when they are too old, also in partitions without appends', async () => {
  const clock = new TestClock()
  const { log } = await open({ retentionMs: 60_000, clock })
  const [trade, news] = await appendAll(log, [sampleTrade('AAPL', 0), sampleNews(1, 'old')])
  clock.pass(50_000)
  const [later] = await appendAll(log, [sampleTrade('AAPL', 1)])
  expect((await log.ends(trade!.partition)).first).toBe(trade!.offset)
  clock.pass(10_001)
  await expect.poll(async () => log.ends(news!.partition)).toEqual({ first: 1, stable: 1 })
  await expect.poll(async () => log.ends(trade!.partition)).toEqual({ first: later!.offset, stable: 2 })
  const [position] = await appendAll(log, [sampleNews(2, 'new')])
  expect(position!.offset).toBe(1)
})

test('half-megabyte records are dropped in bounded steps', async () => {
  const { log } = await open({ retentionBytes: 4 * mebibyte })
  const articles = Array.from({ length: 24 }, (_, id) => sampleNews(id, 'x'.repeat(500_000)))
  const { partition } = (await appendAll(log, articles))[0]!
  await expect.poll(async () => (await log.ends(partition)).first).toBeGreaterThan(15)
  expect((await log.ends(partition)).first).toBeLessThan(22)
})

test('a time is found even if the clock went back', async () => {
  const startMs = 1_700_000_000_000
  const clock = new TestClock(startMs)
  const { log } = await open({ clock })
  for (const ms of [10, 20, 15, 30]) {
    clock.set(startMs + ms - clock.wall())
    await appendAll(log, [sampleTrade('AAPL', ms)])
  }
  const [trades] = (await endOf(log)).filter(({ partition }) => partition.topic === 'market.trades')
  const found = [9, 10, 11, 20, 21, 30, 31].map(ms => log.offsetAt(trades!.partition, startMs + ms))
  expect(await Promise.all(found)).toEqual([0, 0, 1, 1, 3, 3, 4])
})

test('a slice of large records is bounded in bytes', async () => {
  const { log } = await open()
  await appendAll(
    log,
    Array.from({ length: 10 }, (_, id) => sampleNews(id, 'x'.repeat(500_000))),
  )
  let read = 0
  const arrays = await readArrays(log, [], batches => (read += eventsOf(batches).length) === 10)
  expect(arrays.map(batches => eventsOf(batches).length)).toEqual([3, 3, 3, 1])
})

async function open(options: Partial<EmbeddedLogOptions> = {}): Promise<TemporaryLog> {
  const own = await openTemporaryLog(options)
  ends.push(() => own.close())
  return own
}
