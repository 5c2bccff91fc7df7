import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventLog, LogBatch, Partition, Position } from '../../../src/log/event-log.ts'
import { TickerError } from '../../../src/diagnostics/ticker-error.ts'
import type { LogUnderTest, OpenLog } from './log-under-test.ts'
import { appendAll, bound, endOf, eventsOf } from './reading.ts'
import { newSymbol, sampleTrade, sampleTrades } from './sample-event.ts'

const beyond = 1000

/** What readers get for positions that the log no longer has, does not have yet, or never had. */
export function gapsSuite(open: OpenLog): void {
  let opened: LogUnderTest
  let log: EventLog
  beforeAll(async () => {
    opened = await open()
    log = opened.log
  })
  afterAll(() => opened.close(), 60_000)

  /** Appends trades to one partition, and drops the first `dropped` of them with everything before. */
  async function appendAndDrop(count: number, dropped: number): Promise<Position[]> {
    const positions = await appendAll(log, sampleTrades(newSymbol(), count))
    const last = positions.at(-1)!
    await opened.dropBefore(positions[dropped] ?? { ...last, offset: last.offset + 1 })
    return positions
  }

  droppedTests(() => log, appendAndDrop)
  overtakenTest(() => opened, appendAndDrop)
  beyondTests(() => log)
  foreignTests(() => opened)
}

type AppendAndDrop = (count: number, dropped: number) => Promise<Position[]>

function droppedTests(logOf: () => EventLog, appendAndDrop: AppendAndDrop): void {
  test('begins at the first record left by retention if a tail names an earlier one or none', async () => {
    const log = logOf()
    const ends = await endOf(log)
    const positions = await appendAndDrop(10, 4)
    const { partition } = positions[0]!
    for (const own of [[positions[0]!], []]) {
      const from = [...ends.filter(end => end.partition !== partition), ...own]
      const batches = await readUntil(log, from, { partition, to: positions[9]!.offset + 1 })
      expect(batches[0]!.from).toBe(positions[4]!.offset)
      expect(offsetsOf(batches)).toEqual(positions.slice(4).map(({ offset }) => offset))
    }
  })

  test('begins a range at the first record if retention dropped its beginning', async () => {
    const log = logOf()
    const positions = await appendAndDrop(10, 4)
    const [first, last] = [positions[0]!, positions[9]!]
    const batches = await rangeOf(log, first.partition, [first.offset, last.offset])
    expect(batches[0]!.from).toBe(positions[4]!.offset)
    expect(offsetsOf(batches)).toEqual(positions.slice(4, 9).map(({ offset }) => offset))
    expect(batches.at(-1)!.to).toBe(last.offset)
  })

  test('reports a range that retention dropped as gone', async () => {
    const log = logOf()
    const positions = await appendAndDrop(10, 6)
    const [from, to] = [positions[1]!.offset, positions[3]!.offset]
    const batches = await rangeOf(log, positions[0]!.partition, [from, to])
    expect(batches).toMatchObject([{ from: to, to, records: [] }])
  })

  test('returns the first offset left by retention', async () => {
    const log = logOf()
    const positions = await appendAndDrop(10, 4)
    const { partition, offset } = positions[4]!
    const beginning = (await log.partitions(bound())).find(each => each.partition === partition)
    expect(beginning?.offset).toBe(offset)
    expect((await log.ends(partition)).first).toBe(offset)
    expect(await log.offsetAt(partition, 0)).toBe(offset)
  })

  test('reports to a tail at once that everything is gone, and continues at the end', async () => {
    const log = logOf()
    const positions = await appendAndDrop(10, 10)
    const { partition, offset: last } = positions[9]!
    expect(await log.ends(partition)).toMatchObject({ first: last + 1, stable: last + 1 })
    const from = (await endOf(log)).filter(end => end.partition !== partition)
    const reader = log.tail([...from, positions[0]!], bound())[Symbol.asyncIterator]()
    const first = await reader.next()
    expect(first.value).toMatchObject([{ partition, from: last + 1, to: last + 1, records: [] }])
    await reader.return?.()
  })
}

function overtakenTest(openedOf: () => LogUnderTest, appendAndDrop: AppendAndDrop): void {
  test('gives a tail that retention overtakes each offset once, as a record or as a gap', async () => {
    const { log } = openedOf()
    const [start] = await appendAndDrop(1, 0)
    const { partition } = start!
    const from = (await endOf(log)).map(end => (end.partition === partition ? start! : end))
    const reader = log.tail(from, bound())[Symbol.asyncIterator]()
    const batches: LogBatch[] = [...(await reader.next()).value]
    const symbol = newSymbol()
    let end = 0
    for (let round = 1; round <= 5; round += 1) {
      const positions = await appendAll(log, sampleTrades(symbol, 800))
      const ofPartition = positions.filter(position => position.partition === partition)
      end = (await log.ends(partition)).stable
      if (ofPartition.length > 0) await openedOf().dropBefore(ofPartition[700]!)
    }
    while ((batches.at(-1)?.to ?? end) < end) batches.push(...ofOne((await reader.next()).value, partition))
    await reader.return?.()
    const gaps = batches.map(({ from: begins }, index) => begins - (batches[index - 1]?.to ?? start!.offset))
    expect(Math.min(...gaps)).toBe(0)
    const missing = gaps.reduce((sum, gap) => sum + gap, 0)
    const covered = batches.reduce((sum, batch) => sum + batch.to - batch.from, 0)
    expect(missing + covered).toBe(end - start!.offset)
    expect(new Set(offsetsOf(batches)).size).toBe(offsetsOf(batches).length)
  })
}

function beyondTests(logOf: () => EventLog): void {
  test('reports the end at once to a tail from beyond it, and continues there', async () => {
    const log = logOf()
    const symbol = newSymbol()
    const [position] = await appendAll(log, [sampleTrade(symbol, 0)])
    const { partition, offset } = position!
    const ends = (await endOf(log)).filter(end => end.partition !== partition)
    const from = [...ends, { ...position!, offset: offset + beyond }]
    const reader = log.tail(from, bound())[Symbol.asyncIterator]()
    expect((await reader.next()).value).toMatchObject([{ from: offset + 1, to: offset + 1, records: [] }])
    const trade = sampleTrade(symbol, 1)
    await appendAll(log, [trade])
    expect(eventsOf((await reader.next()).value)).toMatchObject([{ offset: offset + 1, event: trade }])
    await reader.return?.()
  })

  test('ends a range at the end of the log, and brings nothing from there or beyond', async () => {
    const log = logOf()
    const [{ partition, offset }] = (await appendAll(log, sampleTrades(newSymbol(), 3))) as [Position]
    const { stable } = await log.ends(partition)
    const batches = await rangeOf(log, partition, [offset, stable + beyond])
    expect(batches.at(-1)).toMatchObject({ to: stable, stable })
    expect(offsetsOf(batches)).toHaveLength(3)
    for (const from of [stable, stable + beyond]) {
      expect(eventsOf(await rangeOf(log, partition, [from, from + beyond]))).toEqual([])
    }
  })
}

function foreignTests(openedOf: () => LogUnderTest): void {
  // Cause: the embedded log put a position of another epoch at the first offset, and read; nothing there was
  // nothing to tell.
  // Symptom: a consumer kept a position of a file that was removed, until something was appended.
  // Seen: by this test, with the Kafka log as the model.
  test('reports another epoch at once, even if there is nothing to read', async () => {
    const { log } = openedOf()
    const end = await endOf(log)
    const untouched = end.find(({ partition, offset }) => partition.topic.endsWith('news') && offset === 0)
    const { partition, epoch } = untouched!
    const from = end.map(each =>
      each.partition === partition ? { ...each, epoch: 'another', offset: 7 } : each,
    )
    const reader = log.tail(from, bound())[Symbol.asyncIterator]()
    const first = await reader.next()
    expect(first.value).toMatchObject([{ partition, epoch, from: 0, to: 0, stable: 0, records: [] }])
    await reader.return?.()
  })

  test('passes over positions of partitions and topics that there are not', async () => {
    const { log } = openedOf()
    const end = await endOf(log)
    const { partition } = end[0]!
    const strangers = [
      { ...partition, partition: 4711 },
      { ...partition, topic: 'nobody-made-this' },
    ]
    const from = [...strangers.map(stranger => ({ ...end[0]!, partition: stranger })), ...end]
    const reader = log.tail(from, bound())[Symbol.asyncIterator]()
    const trade = sampleTrade(newSymbol(), 0)
    await appendAll(log, [trade])
    expect(eventsOf((await reader.next()).value).map(({ event }) => event)).toEqual([trade])
    await reader.return?.()
  })

  // Cause: the embedded log looked the partition up before it made the iterable.
  // Symptom: `range` threw, where its caller handles rejections.
  // Seen: by this test.
  test('rejects questions and ranges of a partition that there is not', async () => {
    const { log } = openedOf()
    const stranger = { topic: 'nobody-made-this', partition: 0 }
    const asked = [log.ends(stranger), log.offsetAt(stranger, 0), rangeOf(log, stranger, [0, 1])]
    for (const answer of await Promise.allSettled(asked)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: expect.any(TickerError) })
    }
  })
}

/** The batches of one partition until one reaches an offset. */
async function readUntil(
  log: EventLog,
  from: readonly Position[],
  { partition, to }: { readonly partition: Partition; readonly to: number },
): Promise<LogBatch[]> {
  const batches: LogBatch[] = []
  for await (const array of log.tail(from, bound())) {
    batches.push(...ofOne(array, partition))
    if ((batches.at(-1)?.to ?? 0) >= to) return batches
  }
  throw new Error(`the tail ended before ${to}`)
}

function rangeOf(
  log: EventLog,
  partition: Partition,
  [from, to]: readonly [from: number, to: number],
): Promise<LogBatch[]> {
  return Array.fromAsync(log.range(partition, from, to, bound()))
}

function ofOne(batches: readonly LogBatch[], partition: Partition): LogBatch[] {
  return batches.filter(batch => batch.partition === partition)
}

function offsetsOf(batches: readonly LogBatch[]): number[] {
  return batches.flatMap(({ records }) => records.map(({ offset }) => offset))
}
