import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { recordKeyOf } from '../../../src/log/topics.ts'
import { generateTape } from '../../support/tape.ts'
import { nameOf, type SharedLog } from './log-under-test.ts'
import { appendAll, bound, endOf, eventsOf, readEvents, readRange } from './reading.ts'
import { newSymbol, sampleNews, sampleTrade, sampleTrades } from './sample-event.ts'

/** What `append` promises. */
export function appendingSuite(sharedLog: SharedLog): void {
  test('returns for each event the position where a reader finds it', async () => {
    const log = sharedLog()
    const events = [...sampleTrades(newSymbol(), 5), sampleNews(2 ** 40, 'short'), sampleNews('x-1', '')]
    const positions = await appendAll(log, events)
    const reads = positions.map(async ({ partition, offset }) => {
      return eventsOf(await readRange(log, partition, [offset, offset + 1]))
    })
    const expected = events.map((event, index) => [
      {
        event,
        key: recordKeyOf(event),
        partition: positions[index]!.partition,
        offset: positions[index]!.offset,
      },
    ])
    expect(await Promise.all(reads)).toEqual(expected)
  })

  test('hands out one and the same object per partition, and its epoch', async () => {
    const log = sharedLog()
    const beginnings = await log.partitions(bound())
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    const beginning = beginnings.find(({ partition }) => partition === position!.partition)
    expect(beginning?.epoch).toBe(position!.epoch)
    const [read] = await readRange(log, position!.partition, [position!.offset, position!.offset + 1])
    expect(read?.partition).toBe(position!.partition)
    expect(read?.epoch).toBe(position!.epoch)
  })

  test('takes no events, and answers with none', async () => {
    expect(await sharedLog().append([])).toEqual([])
  })

  test('stamps records with the time of the append', async () => {
    const log = sharedLog()
    const before = Date.now()
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    const [batch] = await readRange(log, position!.partition, [position!.offset, position!.offset + 1])
    const { timestampMs, headers } = batch!.records[0]!
    expect(timestampMs).toBeGreaterThanOrEqual(before - 1000)
    expect(timestampMs).toBeLessThanOrEqual(Date.now() + 1000)
    expect(Array.isArray(headers)).toBe(true)
  })

  test('keeps the order of each key over 20,000 events in overlapping appends', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const symbols = Array.from({ length: 50 }, newSymbol)
    const events = Array.from({ length: 20_000 }, (_, number) => sampleTrade(symbols[number % 50]!, number))
    const portions = Array.from({ length: 40 }, (_, index) => events.slice(index * 500, (index + 1) * 500))
    const positions = await Promise.all(portions.map(portion => appendAll(log, portion)))
    const read = await readEvents(log, from, events.length)
    for (const symbol of symbols) {
      const isOfSymbol = ({ key }: { key: string | undefined }) => key === symbol
      expect(read.filter(isOfSymbol).map(({ event }) => event)).toEqual(
        events.filter(({ S }) => S === symbol),
      )
    }
    const expected = positions
      .flat()
      .map(({ partition, offset }, index) => [partition, offset, events[index]])
    const found = new Map(
      read.map(({ partition, offset, event }) => [JSON.stringify(event), [partition, offset, event]]),
    )
    expect(events.map(event => found.get(JSON.stringify(event)))).toEqual(expected)
  })

  test('takes 15,000 events of every topic in one call', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const events = generateTape({ seed: 2, symbols: 200, events: 15_000 })
    const positions = await appendAll(log, events)
    const read = await readEvents(log, from, events.length)
    const found = new Map(
      read.map(({ partition, offset, event }) => [`${nameOf(partition)} ${offset}`, event]),
    )
    const at = positions.map(({ partition, offset }) => found.get(`${nameOf(partition)} ${offset}`))
    expect(new Set(positions.map(({ partition }) => partition.topic)).size).toBe(5)
    // Not of the whole at once: its message would be megabytes long.
    expect(events.filter((event, index) => !isDeepStrictEqual(event, at[index]))).toEqual([])
  })

  test('takes some megabytes in one call, more than one batch or transaction holds', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const articles = Array.from({ length: 8 }, (_, id) => sampleNews(id, String(id).repeat(400_000)))
    await appendAll(log, articles)
    const read = await readEvents(log, from, articles.length)
    expect(read.map(({ event }) => Object(event).content.length)).toEqual(articles.map(() => 400_000))
    expect(new Set(read.map(({ event }) => Object(event).content[0])).size).toBe(articles.length)
  })

  test('keys events by their symbols in every form that is allowed', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const symbols = ['BRK.B', 'BTC/USD', 'a_b-c', '0', 'Z'.repeat(32)]
    await appendAll(
      log,
      symbols.map((symbol, number) => sampleTrade(symbol, number)),
    )
    const read = await readEvents(log, from, symbols.length)
    expect(new Set(read.map(({ key }) => key))).toEqual(new Set(symbols))
    expect(read.every(({ key, event }) => Object(event).S === key)).toBe(true)
  })

  test('keeps unicode, and values of half a megabyte, several in one append', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const articles = [
      sampleNews(1, 'a'.repeat(500_000)),
      sampleNews(2, '株🚀'.repeat(70_000)),
      sampleNews(3, ''),
    ]
    await appendAll(log, articles)
    const read = (await readEvents(log, from, articles.length)).map(({ event }) => event)
    expect(read).toHaveLength(articles.length)
    // Not `toEqual` of the whole: its message would be megabytes long.
    for (const article of articles)
      expect(read.some(event => JSON.stringify(event) === JSON.stringify(article))).toBe(true)
  })
}
