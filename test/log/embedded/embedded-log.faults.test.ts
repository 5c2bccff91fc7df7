import { mkdtemp, open as openFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { createEmbeddedLog, type EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import { defaultTopics } from '../../../src/log/topics.ts'
import { appendAll, bound, endOf, readEvents, readRange } from '../conformance/reading.ts'
import { sampleTrade, sampleTrades } from '../conformance/sample-event.ts'
import { faultlessLogger, openTemporaryLog, type TemporaryLog } from './temporary-log.ts'

const ends: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

test('a file of another kind is refused, named, and left unchanged', async () => {
  const path = await temporaryPath()
  await writeFile(path, 'T,S,p\nt,AAPL,1.5\n'.repeat(100))
  const before = await readFile(path)
  expect(() => openAt(path)).toThrow(
    `${path}: this is not the file of an embedded log: remove it, or set TICKER_EMBEDDED_PATH`,
  )
  expect(await readFile(path)).toEqual(before)
})

test('the database of another program is refused, and left unchanged', async () => {
  const path = await temporaryPath()
  const other = new DatabaseSync(path)
  other.exec('CREATE TABLE bookmarks (url TEXT)')
  other.close()
  const before = await readFile(path)
  expect(() => openAt(path)).toThrow('this is not the file of an embedded log')
  expect(await readFile(path)).toEqual(before)
})

test('a file that was cut short is refused with the cure', async () => {
  const own = await open()
  await appendAll(own.log, sampleTrades('AAPL', 5000))
  await own.log.close()
  await truncate(own.path, Math.floor((await stat(own.path)).size / 8192) * 4096)
  expect(() => openAt(own.path)).toThrow(
    `${own.path}: the file is damaged: remove it together with its -wal and -shm files`,
  )
})

test('a file damaged in the middle fails the reads that meet it; a tail logs it and waits', async () => {
  const own = await open()
  const positions = await appendAll(own.log, sampleTrades('AAPL', 20_000))
  await own.log.close()
  await overwrite(own.path, { from: 0.3, to: 0.7 })
  const warned = Promise.withResolvers<string>()
  const log = createEmbeddedLog({
    ...own.options,
    logger: { warn: fields => warned.resolve(Object(fields).err.message) },
  })
  ends.push(() => log.close())
  await expect(readRange(log, positions[0]!.partition, [0, 20_000])).rejects.toThrow('the file is damaged')
  const stop = new AbortController()
  const tail = drain(log.tail([], stop.signal))
  expect(await warned.promise).toContain(own.path)
  stop.abort()
  await tail
})

test('the error for a folder that cannot be created names it', () => {
  expect(() => openAt('/dev/null/log.sqlite')).toThrow(
    '/dev/null/log.sqlite: expected a file and a folder that can be',
  )
})

test('refuses events while another process locks the file, and appends later ones in order', async () => {
  const own = await open({ lockTimeoutMs: 30 })
  const other = new DatabaseSync(own.path)
  ends.push(() => other.close())
  const before = await appendAll(own.log, [sampleTrade('AAPL', 0)])
  other.exec('BEGIN IMMEDIATE')
  const refused = await Promise.all([
    own.log.append(sampleTrades('AAPL', 3)),
    own.log.append(sampleTrades('IBM', 1)),
  ])
  const faults = refused.flat().map(result => ('error' in result ? result.error.message : 'taken'))
  expect(faults).toEqual(
    Array(4).fill(expect.stringContaining(`${own.path}: another process keeps the file locked`)),
  )
  expect(await readEvents(own.log, before, 1)).toHaveLength(1)
  other.exec('ROLLBACK')
  const after = await appendAll(own.log, sampleTrades('AAPL', 2))
  expect(after.map(({ offset }) => offset)).toEqual([1, 2])
})

test('an append outlasts a short lock without blocking the event loop', async () => {
  const own = await open()
  const other = new DatabaseSync(own.path)
  ends.push(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const appending = appendAll(own.log, [sampleTrade('AAPL', 0)])
  let turns = 0
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      turns += 1
      if (turns < 10) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  other.exec('ROLLBACK')
  expect((await appending)[0]!.offset).toBe(0)
})

test('an append is refused when more than 100,000 events would wait', async () => {
  const own = await open()
  const trades = sampleTrades('AAPL', 60_000)
  const [first, second, third] = [
    own.log.append(trades),
    own.log.append(trades),
    own.log.append(trades.slice(0, 5)),
  ]
  expect((await second).every(result => 'error' in result)).toBe(true)
  expect((await Promise.all([first, third])).flat().every(result => 'position' in result)).toBe(true)
})

test('a closed log refuses every question', async () => {
  const own = await open()
  const [position] = await endOf(own.log)
  await own.log.close()
  const [result] = await own.log.append([sampleTrade('AAPL', 0)])
  expect(result).toMatchObject({ error: { code: 'TICKER_EMBEDDED_LOG', fault: 'closed' } })
  await expect(own.log.ends(position!.partition)).rejects.toThrow('the log is closed')
  await expect(own.log.partitions(bound())).rejects.toThrow('the log is closed')
})

test('the error for a partition of no configured topic names it', async () => {
  const own = await open()
  await expect(own.log.ends({ topic: 'market.trades', partition: 7 })).rejects.toThrow('market.trades/7')
})

test('a position past the end goes on at the end, as after the loss of the newest records', async () => {
  const own = await open()
  const [position] = await appendAll(own.log, [sampleTrade('AAPL', 0)])
  const reader = own.log.tail([{ ...position!, offset: 99 }], bound())[Symbol.asyncIterator]()
  expect((await reader.next()).value).toMatchObject([{ from: 1, to: 1, records: [] }])
  await appendAll(own.log, [sampleTrade('AAPL', 1)])
  expect((await reader.next()).value).toMatchObject([{ from: 1, to: 2, records: [{ offset: 1 }] }])
  await reader.return?.()
})

interface OpenedLog extends TemporaryLog {
  readonly options: EmbeddedLogOptions
}

async function open(options: Partial<EmbeddedLogOptions> = {}): Promise<OpenedLog> {
  const own = await openTemporaryLog(options)
  ends.push(() => own.close())
  return { ...own, options: { path: own.path, topics: defaultTopics, logger: faultlessLogger } }
}

async function temporaryPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-log-'))
  ends.push(() => rm(folder, { recursive: true }))
  return join(folder, 'log.sqlite')
}

function openAt(path: string): unknown {
  return createEmbeddedLog({ path, topics: defaultTopics, logger: faultlessLogger })
}

async function overwrite(path: string, share: { readonly from: number; readonly to: number }): Promise<void> {
  const file = await openFile(path, 'r+')
  const { size } = await file.stat()
  const [from, to] = [Math.floor(size * share.from), Math.floor(size * share.to)]
  await file.write(Buffer.alloc(to - from, 0x5a), 0, to - from, from)
  await file.close()
}

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}
