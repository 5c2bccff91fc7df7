import { afterEach, expect, test } from 'vitest'
import { TickerError } from '../../../src/diagnostics/ticker-error.ts'
import { nameOf, type LogUnderTest, type OpenLog } from './log-under-test.ts'
import { appendAll, bound, endOf, readEvents } from './reading.ts'
import { newSymbol, sampleTrade, sampleTrades } from './sample-event.ts'

/** What `close` promises, and what opening the same data again finds. */
export function closingSuite(open: OpenLog): void {
  const opened: LogUnderTest[] = []
  const openOwn = async () => {
    const own = await open()
    opened.push(own)
    return own
  }
  afterEach(async () => {
    for (const own of opened.splice(0)) await own.close()
  })

  test('starts with empty partitions, and can read nothing from them', async () => {
    const { log } = await openOwn()
    for (const { partition, offset } of await log.partitions(bound())) {
      expect(await log.ends(partition)).toMatchObject({ first: offset, stable: offset })
      expect(await log.offsetAt(partition, 0)).toBe(offset)
    }
  })

  test('ends tails that wait and tails that read when it is closed', async () => {
    const { log } = await openOwn()
    await appendAll(log, sampleTrades(newSymbol(), 3000))
    const waiting = log.tail(await endOf(log), bound())[Symbol.asyncIterator]()
    const reading = log.tail([], bound())[Symbol.asyncIterator]()
    const next = waiting.next()
    expect((await reading.next()).done).toBe(false)
    await log.close()
    expect((await next).done).toBe(true)
    expect((await reading.next()).done).toBe(true)
  })

  test('ends ranges that are being read when it is closed', async () => {
    const { log } = await openOwn()
    const positions = await appendAll(log, sampleTrades(newSymbol(), 3000))
    const { partition, offset } = positions[0]!
    const reading = log.range(partition, offset, offset + 3000, bound())[Symbol.asyncIterator]()
    expect((await reading.next()).done).toBe(false)
    await log.close()
    expect((await reading.next()).done).toBe(true)
  })

  test('fails every append, answers nothing and reads nothing once it is closed', async () => {
    const { log } = await openOwn()
    const [position] = await appendAll(log, sampleTrades(newSymbol(), 2))
    const { partition } = position!
    await log.close()
    const error = expect.any(TickerError)
    expect(await log.append(sampleTrades(newSymbol(), 2))).toEqual([{ error }, { error }])
    const asked = [log.ends(partition), log.offsetAt(partition, 0), log.partitions(bound())]
    for (const answer of await Promise.allSettled(asked)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: error })
    }
    expect(await Array.fromAsync(log.tail([], bound()))).toEqual([])
    expect(await Array.fromAsync(log.range(partition, 0, 10, bound()))).toEqual([])
  })

  test('gives concurrent appends of two instances different positions, and a reader all events', async () => {
    const own = await openOwn()
    const writers = [own.log, await own.reopen()]
    const portions = writers.flatMap(writer =>
      Array.from({ length: 20 }, () => ({ writer, events: sampleTrades(newSymbol(), 50) })),
    )
    const appended = await Promise.all(portions.map(({ writer, events }) => appendAll(writer, events)))
    const positions = appended.flat().map(({ partition, offset }) => `${nameOf(partition)} ${offset}`)
    expect(new Set(positions).size).toBe(2000)
    const read = await readEvents(own.log, [], 2000)
    for (const { events } of portions) {
      const ofPortion = read.filter(({ key }) => key === events[0]!.S)
      expect(ofPortion.map(({ event }) => event)).toEqual(events)
    }
  })

  test('can be closed twice', async () => {
    const { log } = await openOwn()
    await log.close()
    await log.close()
    expect(await log.append([])).toEqual([])
  })

  test('keeps what was appended just before it was closed', async () => {
    const own = await openOwn()
    const trades = sampleTrades(newSymbol(), 500)
    const appending = appendAll(own.log, trades)
    await own.log.close()
    const positions = await appending
    const again = await own.reopen()
    const read = await readEvents(again, [], trades.length)
    expect(read.map(({ offset, event }) => [offset, event])).toEqual(
      trades.map((trade, index) => [positions[index]!.offset, trade]),
    )
  })

  test('keeps positions, epochs and events over a restart, twice', async () => {
    const own = await openOwn()
    const symbol = newSymbol()
    let log = own.log
    for (let round = 1; round <= 2; round += 1) {
      const [, second] = await appendAll(log, sampleTrades(symbol, 3))
      const before = await endOf(log)
      await log.close()
      log = await own.reopen()
      const after = await endOf(log)
      const described = (positions: typeof before) =>
        positions.map(({ partition, epoch, offset }) => `${nameOf(partition)} ${epoch} ${offset}`).toSorted()
      expect(described(after)).toEqual(described(before))
      // A position that another instance handed out, as a resume token would.
      const read = await readEvents(log, [second!], 2)
      expect(read.slice(-2).map(({ event }) => event)).toEqual(
        [1, 2].map(number => sampleTrade(symbol, number)),
      )
    }
  })

  test('shows a second instance what the first appends', async () => {
    const own = await openOwn()
    const other = await own.reopen()
    const reading = readEvents(other, await endOf(other), 10)
    const trades = sampleTrades(newSymbol(), 10)
    await appendAll(own.log, trades)
    expect((await reading).map(({ event }) => event)).toEqual(trades)
  })
}
