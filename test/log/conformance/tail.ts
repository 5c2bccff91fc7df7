import { expect, test } from 'vitest'
import type { EventLog, LogBatch, Position } from '../../../src/log/event-log.ts'
import { generateTape } from '../../support/tape.ts'
import { nameOf, type SharedLog } from './log-under-test.ts'
import { appendAll, bound, endOf, eventsOf, readArrays, readEvents, ReadingContract } from './reading.ts'
import { newSymbol, sampleTrade, sampleTrades } from './sample-event.ts'

const promptMs = 2000

/** What `tail` promises. */
export function tailSuite(sharedLog: SharedLog): void {
  beginningTests(sharedLog)
  readingTests(sharedLog)
  endingTests(sharedLog)
}

function beginningTests(sharedLog: SharedLog): void {
  test('begins at the first offset of a partition that is not named', async () => {
    const log = sharedLog()
    const beginnings = await log.partitions(bound())
    const trade = sampleTrade(newSymbol(), 1)
    const [position] = await appendAll(log, [trade])
    const { partition } = position!
    const isLast = (batches: readonly LogBatch[]) =>
      batches.some(batch => batch.partition === partition && batch.to > position!.offset)
    const read = (await readArrays(log, [], isLast)).flat().filter(batch => batch.partition === partition)
    expect(read[0]?.from).toBe(beginnings.find(beginning => beginning.partition === partition)?.offset)
    expect(eventsOf(read).at(-1)?.event).toEqual(trade)
  })

  test('begins in the middle, at the position of an event', async () => {
    const log = sharedLog()
    const end = await endOf(log)
    const trades = sampleTrades(newSymbol(), 100)
    const positions = await appendAll(log, trades)
    const from = replaced(end, positions[60]!)
    expect((await readEvents(log, from, 40)).map(({ event }) => event)).toEqual(trades.slice(60))
  })

  test('begins at the end, and wakes when something is appended', async () => {
    const log = sharedLog()
    const reader = log.tail(await endOf(log), bound())[Symbol.asyncIterator]()
    let hasCome = false
    const next = reader.next().finally(() => {
      hasCome = true
    })
    await endOf(log)
    expect(hasCome).toBe(false)
    const trade = sampleTrade(newSymbol(), 7)
    await appendAll(log, [trade])
    expect(eventsOf((await next).value).map(({ event }) => event)).toEqual([trade])
    await reader.return?.()
  })

  test('wakes for each of 200 events that are appended one after the other', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    const reader = log.tail(await endOf(log), bound())[Symbol.asyncIterator]()
    for (let number = 0; number < 200; number += 1) {
      const next = reader.next()
      await appendAll(log, [sampleTrade(symbol, number)])
      const { value } = await next
      expect(eventsOf(value).map(({ event }) => event)).toEqual([sampleTrade(symbol, number)])
    }
    await reader.return?.()
  })

  test('begins at the first offset where a position is of another epoch', async () => {
    const log = sharedLog()
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    const { partition } = position!
    const others = (await endOf(log)).filter(end => end.partition !== partition)
    const batches = await firstArray(log, [...others, { ...position!, epoch: 'another' }])
    expect(batches?.[0]).toMatchObject({ epoch: position!.epoch, from: (await log.ends(partition)).first })
  })
}

function readingTests(sharedLog: SharedLog): void {
  test('reads without a gap in slices of at most 1,000 records, whatever the portions appended', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const symbols = Array.from({ length: 20 }, newSymbol)
    for (const size of [1, 2500, 1, 999, 1000, 1001])
      await appendAll(
        log,
        Array.from({ length: size }, (_, number) => sampleTrade(symbols[number % 20]!, number)),
      )
    const read = await readEvents(log, from, 5502)
    expect(read).toHaveLength(5502)
  })

  test('serves several tails at once, each from its own position', async () => {
    const log = sharedLog()
    const end = await endOf(log)
    const trades = sampleTrades(newSymbol(), 2000)
    const positions = await appendAll(log, trades)
    const starts = [0, 1, 500, 1999]
    const readings = starts.map(start => readEvents(log, replaced(end, positions[start]!), 2001 - start))
    await appendAll(log, [{ ...trades[0]!, i: 1 }])
    const read = (await Promise.all(readings)).map(events => events.map(({ offset }) => offset))
    const offsets = positions.map(({ offset }) => offset)
    for (const [index, start] of starts.entries()) {
      expect(read[index]?.slice(0, -1)).toEqual(offsets.slice(start))
    }
  })

  test('neither loses nor repeats anything for a consumer slower than the appends', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const symbol = newSymbol()
    const contract = new ReadingContract(from)
    const ids: unknown[] = []
    await appendAll(log, sampleTrades(symbol, 400))
    let appended = 400
    for await (const batches of log.tail(from, bound())) {
      contract.check(batches)
      ids.push(...eventsOf(batches).map(({ event }) => Object(event).i))
      if (ids.length >= 6000) break
      for (let portion = 0; portion < 3 && appended < 6000; portion += 1, appended += 400) {
        await appendAll(
          log,
          Array.from({ length: 400 }, (_, number) => sampleTrade(symbol, appended + number)),
        )
      }
    }
    expect(ids).toEqual(Array.from({ length: 6000 }, (_, number) => 2 ** 40 + number))
  })

  test('keeps what comes while nobody asks for it, and gives it in order', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    const [start] = await appendAll(log, [sampleTrade(symbol, 0)])
    const from = replaced(await endOf(log), start!)
    const contract = new ReadingContract(from)
    const reader = log.tail(from, bound())[Symbol.asyncIterator]()
    const arrays: (readonly LogBatch[])[] = [(await reader.next()).value]
    for (let number = 1; number <= 8000; number += 1000) {
      await appendAll(
        log,
        Array.from({ length: 1000 }, (_, index) => sampleTrade(symbol, number + index)),
      )
    }
    while (eventsOf(arrays.flat()).length < 8001) arrays.push((await reader.next()).value)
    await reader.return?.()
    for (const batches of arrays) contract.check(batches)
    expect(eventsOf(arrays.flat()).map(({ event }) => Object(event).i - 2 ** 40)).toEqual(
      Array.from({ length: 8001 }, (_, number) => number),
    )
  })

  test('follows every topic, and carries events of every type', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    const events = generateTape({ seed: 1, symbols: 30, events: 700 })
    const positions = await appendAll(log, events)
    const read = await readEvents(log, from, events.length)
    const found = new Map(
      read.map(({ partition, offset, event }) => [`${nameOf(partition)} ${offset}`, event]),
    )
    const at = positions.map(({ partition, offset }) => found.get(`${nameOf(partition)} ${offset}`))
    expect(at).toEqual(events)
  })
}

function endingTests(sharedLog: SharedLog): void {
  test('ends promptly when aborted while it waits', async () => {
    const log = sharedLog()
    const stop = new AbortController()
    const reader = log.tail(await endOf(log), stop.signal)[Symbol.asyncIterator]()
    const next = reader.next()
    await endOf(log)
    const abortedAt = performance.now()
    stop.abort()
    expect((await next).done).toBe(true)
    expect(performance.now() - abortedAt).toBeLessThan(promptMs)
  })

  test('ends between two arrays when aborted there', async () => {
    const log = sharedLog()
    const from = await endOf(log)
    await appendAll(log, sampleTrades(newSymbol(), 3000))
    const stop = new AbortController()
    let arrays = 0
    for await (const _ of log.tail(from, stop.signal)) {
      arrays += 1
      stop.abort()
    }
    expect(arrays).toBe(1)
  })

  test('brings nothing when aborted before it began', async () => {
    expect(await firstArray(sharedLog(), [], AbortSignal.abort())).toBe(undefined)
  })
}

async function firstArray(
  log: EventLog,
  from: readonly Position[],
  signal = bound(),
): Promise<readonly LogBatch[] | undefined> {
  for await (const batches of log.tail(from, signal)) return batches
  return undefined
}

/** Positions with one of them in the place of its partition's. */
function replaced(positions: readonly Position[], one: Position): Position[] {
  return positions.map(position => (position.partition === one.partition ? one : position))
}
