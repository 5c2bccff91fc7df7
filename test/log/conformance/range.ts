import { expect, test } from 'vitest'
import type { EventLog, LogBatch, Position } from '../../../src/log/event-log.ts'
import type { SharedLog } from './log-under-test.ts'
import { appendAll, bound, eventsOf, readRange } from './reading.ts'
import { newSymbol, sampleTrade, sampleTrades } from './sample-event.ts'

/** What `range` promises. */
export function rangeSuite(sharedLog: SharedLog): void {
  test('reads an interval exactly, to its end, in slices of at most 1,000 records', async () => {
    const log = sharedLog()
    const trades = sampleTrades(newSymbol(), 3500)
    const positions = await appendAll(log, trades)
    const [from, to] = [positions[3]!.offset, positions[3210]!.offset]
    const batches = await readRange(log, positions[3]!.partition, [from, to])
    expect([batches[0]?.from, batches.at(-1)?.to]).toEqual([from, to])
    expect(eventsOf(batches).map(({ event }) => event)).toEqual(trades.slice(3, 3210))
  })

  test('brings no record of an empty interval, and ends', async () => {
    const log = sharedLog()
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    const { partition, offset } = position!
    const { first, stable } = await log.ends(partition)
    for (const at of [first, offset, stable]) {
      expect(eventsOf(await readRange(log, partition, [at, at]))).toEqual([])
    }
  })

  test('reads many intervals at once, independently', async () => {
    const log = sharedLog()
    const trades = sampleTrades(newSymbol(), 400)
    const positions = await appendAll(log, trades)
    const starts = Array.from({ length: 20 }, (_, index) => index * 17)
    const reads = starts.map(start => {
      const interval = [positions[start]!.offset, positions[start + 30]!.offset] as const
      return readRange(log, positions[start]!.partition, interval)
    })
    const events = (await Promise.all(reads)).map(batches => eventsOf(batches).map(({ event }) => event))
    expect(events).toEqual(starts.map(start => trades.slice(start, start + 30)))
  })

  test('does not disturb a tail, nor is disturbed by one', async () => {
    const log = sharedLog()
    const stop = new AbortController()
    const reader = log.tail([], stop.signal)[Symbol.asyncIterator]()
    const trades = sampleTrades(newSymbol(), 10)
    const positions = await appendAll(log, trades)
    await reader.next()
    expect(eventsOf(await wholeRange(log, positions)).map(({ event }) => event)).toEqual(trades)
    stop.abort()
    while (!(await reader.next()).done);
    expect(eventsOf(await wholeRange(log, positions)).map(({ event }) => event)).toEqual(trades)
  })

  test('ends between two batches when aborted there, and is empty when aborted before', async () => {
    const log = sharedLog()
    const positions = await appendAll(log, sampleTrades(newSymbol(), 3000))
    const interval = [positions[0]!.offset, positions.at(-1)!.offset + 1] as const
    const stop = new AbortController()
    const batches: LogBatch[] = []
    for await (const batch of log.range(positions[0]!.partition, ...interval, stop.signal)) {
      batches.push(batch)
      stop.abort()
    }
    expect(batches).toHaveLength(1)
    for await (const batch of log.range(positions[0]!.partition, ...interval, stop.signal))
      batches.push(batch)
    expect(batches).toHaveLength(1)
  })

  test('ends though more is appended all the time, with all that was there when it began', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    const positions = await appendAll(log, sampleTrades(symbol, 2000))
    const { partition, offset } = positions[0]!
    const stop = new AbortController()
    const appending = appendUntil(log, symbol, stop.signal)
    const batches = await readRange(log, partition, [offset, Number.MAX_SAFE_INTEGER])
    stop.abort()
    await appending
    const numbers = eventsOf(batches).map(({ event }) => Object(event).i - 2 ** 40)
    expect(numbers.length).toBeGreaterThanOrEqual(2000)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, number) => number))
  })

  test('stops at its end, whatever was appended behind that meanwhile', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    const positions = await appendAll(log, sampleTrades(symbol, 2500))
    const [{ partition, offset }, last] = [positions[0]!, positions.at(-1)!]
    const batches: LogBatch[] = []
    for await (const batch of log.range(partition, offset, last.offset, bound())) {
      batches.push(batch)
      await appendAll(log, [sampleTrade(symbol, 0)])
    }
    expect(batches.at(-1)?.to).toBe(last.offset)
    expect(eventsOf(batches)).toHaveLength(2499)
  })

  test('can be left before its end', async () => {
    const log = sharedLog()
    const positions = await appendAll(log, sampleTrades(newSymbol(), 3000))
    const [{ partition, offset }, last] = [positions[0]!, positions.at(-1)!]
    for await (const batch of log.range(partition, offset, last.offset + 1, bound())) {
      expect(batch.from).toBe(offset)
      break
    }
    expect(eventsOf(await wholeRange(log, positions))).toHaveLength(3000)
  })
}

/** Goes on from the 2,000th trade of a symbol. */
async function appendUntil(log: EventLog, symbol: string, signal: AbortSignal): Promise<void> {
  for (let number = 2000; !signal.aborted; number += 50) {
    await appendAll(
      log,
      Array.from({ length: 50 }, (_, index) => sampleTrade(symbol, number + index)),
    )
  }
}

/** Reads from the first to past the last of positions in one partition. */
function wholeRange(log: EventLog, positions: readonly Position[]): Promise<LogBatch[]> {
  return readRange(log, positions[0]!.partition, [positions[0]!.offset, positions.at(-1)!.offset + 1])
}
