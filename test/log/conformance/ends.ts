import { expect, test } from 'vitest'
import type { LogRecord, Partition } from '../../../src/log/event-log.ts'
import type { SharedLog } from './log-under-test.ts'
import { appendAll, bound, readRange } from './reading.ts'
import { newSymbol, sampleTrade, sampleTrades } from './sample-event.ts'

const hourMs = 3_600_000

/** What `partitions`, `ends` and `offsetAt` promise. */
export function endsSuite(sharedLog: SharedLog): void {
  test('lists every partition once, at its first offset', async () => {
    const log = sharedLog()
    const beginnings = await log.partitions(bound())
    const partitions = beginnings.map(({ partition }) => partition)
    expect(new Set(partitions.map(({ topic }) => topic)).size).toBe(5)
    expect(new Set(partitions).size).toBe(partitions.length)
    const firsts = await Promise.all(partitions.map(async partition => (await log.ends(partition)).first))
    expect(beginnings.map(({ offset }) => offset)).toEqual(firsts)
    for (const { epoch } of beginnings) expect(epoch).not.toBe('')
  })

  test('ends right after the last event', async () => {
    const log = sharedLog()
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    const { first, stable } = await log.ends(position!.partition)
    expect(stable).toBe(position!.offset + 1)
    expect(first).toBeLessThan(stable)
  })

  test('finds the first record that is not older than a time', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    for (let number = 0; number < 20; number += 1) await appendAll(log, [sampleTrade(symbol, number)])
    const { partition } = (await appendAll(log, [sampleTrade(symbol, 20)]))[0]!
    const records = await everyRecord(sharedLog, partition)
    const times = [...new Set(records.slice(-21).map(({ timestampMs }) => timestampMs))]
    for (const timeMs of [0, ...times, times[0]! - 1]) {
      const expected = records.find(({ timestampMs }) => timestampMs >= timeMs)?.offset
      expect(await log.offsetAt(partition, timeMs)).toBe(expected)
    }
  })

  test('finds the first of many records of one time, and what follows a time between two', async () => {
    const log = sharedLog()
    const symbol = newSymbol()
    const [first] = await appendAll(log, sampleTrades(symbol, 500))
    const records = await everyRecord(sharedLog, first!.partition)
    const { timestampMs } = records.find(({ offset }) => offset === first!.offset)!
    for (const timeMs of [-1, 0.5, timestampMs, timestampMs - 0.5, timestampMs + 0.5]) {
      const expected = records.find(record => record.timestampMs >= timeMs)?.offset
      const end = (records.at(-1)?.offset ?? 0) + 1
      expect(await log.offsetAt(first!.partition, timeMs)).toBe(expected ?? end)
    }
  })

  test('gives up listing the partitions when that is aborted', async () => {
    const log = sharedLog()
    await expect(log.partitions(AbortSignal.abort())).rejects.toBeInstanceOf(Error)
  })

  test('finds the stable end for a time after the last record', async () => {
    const log = sharedLog()
    const [position] = await appendAll(log, [sampleTrade(newSymbol(), 0)])
    for (const timeMs of [Date.now() + hourMs, Number.MAX_SAFE_INTEGER])
      expect(await log.offsetAt(position!.partition, timeMs)).toBe(position!.offset + 1)
  })
}

async function everyRecord(sharedLog: SharedLog, partition: Partition): Promise<LogRecord[]> {
  const { first, stable } = await sharedLog().ends(partition)
  return (await readRange(sharedLog(), partition, [first, stable])).flatMap(({ records }) => records)
}
