import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { createEmbeddedLog, type EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import { defaultTopics } from '../../../src/log/topics.ts'
import { generateTape } from '../../support/tape.ts'
import { appendAll, bound, endOf, readEvents } from '../conformance/reading.ts'
import { sampleTrades } from '../conformance/sample-event.ts'
import { faultlessLogger, openTemporaryLog, type TemporaryLog } from './temporary-log.ts'

const mebibyte = 2 ** 20
const ends: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

test('only the owner may read the file, and enter the folder made for it', async () => {
  const { log, path } = await open()
  await appendAll(log, sampleTrades('AAPL', 1))
  const modes = [dirname(path), path, `${path}-wal`].map(async name => (await stat(name)).mode & 0o777)
  expect(await Promise.all(modes)).toEqual([0o700, 0o600, 0o600])
})

test('topics keep the number of partitions that they were made with', async () => {
  const own = await open({ partitionsPerTopic: 3 })
  const before = await own.log.partitions(bound())
  await own.log.close()
  const topics = { ...defaultTopics, news: 'house.news' }
  const again = createEmbeddedLog({ path: own.path, topics, logger: faultlessLogger, partitionsPerTopic: 2 })
  ends.push(() => again.close())
  const numbers = (await again.partitions(bound())).map(
    ({ partition }) => `${partition.topic}/${partition.partition}`,
  )
  expect(before).toHaveLength(15)
  expect(numbers.filter(name => name.startsWith('market.trades'))).toHaveLength(3)
  expect(numbers.filter(name => name.startsWith('house.news'))).toHaveLength(2)
  expect(numbers).toHaveLength(14)
})

test('streams may share a topic', async () => {
  const topics = { trades: 'all', quotes: 'all', bars: 'all', statuses: 'all', news: 'all' }
  const { log } = await open({ topics })
  const events = generateTape({ seed: 3, events: 200 })
  await appendAll(log, events)
  expect((await readEvents(log, [], 200)).map(({ event }) => event)).toEqual(events)
})

test('the write-ahead log stays small under a reader that never stops', async () => {
  const { log, path } = await open()
  const reading = readEvents(log, await endOf(log), 60_000)
  const sizes: number[] = []
  for (let round = 0; round < 60; round += 1) {
    await appendAll(log, sampleTrades('AAPL', 1000))
    sizes.push((await stat(`${path}-wal`)).size)
  }
  await reading
  expect(Math.max(...sizes)).toBeLessThan(80 * mebibyte)
})

test('the write-ahead log is cut back after another program kept it from being copied', async () => {
  const { log, path } = await open()
  const other = new DatabaseSync(path)
  ends.push(() => other.close())
  other.exec('BEGIN; SELECT * FROM partition')
  while ((await stat(`${path}-wal`)).size < 24 * mebibyte) await appendAll(log, sampleTrades('AAPL', 5000))
  other.exec('COMMIT')
  const sizeAfterAppend = async () => {
    await appendAll(log, sampleTrades('AAPL', 1))
    return (await stat(`${path}-wal`)).size
  }
  await expect.poll(sizeAfterAppend).toBeLessThanOrEqual(16 * mebibyte)
})

test('counts what it did', async () => {
  const own = await open()
  const log = createEmbeddedLog({ path: own.path, topics: defaultTopics, logger: faultlessLogger })
  await Promise.all([appendAll(log, sampleTrades('AAPL', 3)), appendAll(log, sampleTrades('IBM', 2))])
  await log.close()
  await log.append(sampleTrades('AAPL', 4))
  expect(log.stats).toEqual({ appended: 5, groups: 1, refused: 4, dropped: 0, faults: 0 })
})

async function open(options: Partial<EmbeddedLogOptions> = {}): Promise<TemporaryLog> {
  const own = await openTemporaryLog(options)
  ends.push(() => own.close())
  return own
}
