import type { Feed } from '../../../../src/feed/feed.ts'
import type { Sessions } from '../../../../src/session/sessions.ts'
import {
  MemoryHistory,
  type MemoryLog,
  MemoryLogError,
  type MemoryPartition,
  type MemoryRecord,
} from '../../../support/memory-log.ts'
import { createTestFeed, createTestSessions, defaultLimits, overrides } from '../../../support/defaults.ts'
import type { Settings } from './steps.ts'
import { serialOf } from './acknowledged-selection.ts'

const limits = { ...defaultLimits, ...overrides.readers }

/** How a node has read one partition under one number. */
export interface Reading {
  readonly partition: MemoryPartition
  readonly epoch: string
  /** What lay in the partition, also after retention, and after it was cut back. */
  records: readonly MemoryRecord[]
  /** Up to where the node has read. */
  end: number
  isOver: boolean
  /** What lay in `[from, to)` was gone before the node could read it. */
  readonly missed: (readonly [from: number, to: number])[]
}

/** One gateway on a log: it reads when the test says so, and may lag behind. */
export class SimulatedNode {
  readonly feed: Feed
  readonly sessions: Sessions
  /** By the number of the partition. */
  readonly readings = new Map<number, Reading>()
  readonly windowBytes: number
  /** Faults of the node; that a topic was recreated while it was read is none. */
  readonly faults: unknown[] = []
  readonly #log: MemoryLog

  /** Starts at the end of the log, and knows the last events before it. */
  constructor(log: MemoryLog, { windowBytes, maxItems }: Pick<Settings, 'windowBytes' | 'maxItems'>) {
    this.#log = log
    this.windowBytes = windowBytes
    this.feed = createTestFeed({
      maxItems,
      window: { maxBytes: windowBytes, maxAgeMs: overrides.readersWindowMs },
      // So that flushes take time: that of each audience takes 1 ms.
      now: () => performance.now() + this.feed.fanOut.counts.flushes,
    })
    this.sessions = createTestSessions(limits, {
      feed: this.feed,
      history: new MemoryHistory(log),
      onFault: error => {
        if (!(error instanceof MemoryLogError)) this.faults.push(error)
      },
    })
    for (const partition of log.partitions) {
      this.#advance(partition, partition.end)
      const number = this.feed.numberOf(partition.partition)
      const there = partition.records.filter((_, offset) => partition.gapEnd(offset) === offset)
      for (const event of there.toReversed())
        if (event !== undefined && event.T !== 'n')
          this.feed.lastValues.addOlder(event, number, serialOf(event))
    }
  }

  /** Reads so many records of each of some partitions, as one read of the log brings them. */
  read(counts: readonly { readonly partition: MemoryPartition; readonly atMost: number }[]): void {
    this.feed.window.tick(performance.now())
    for (const partition of this.#log.partitions) {
      const former = this.#readingOf(partition)
      // All partitions of a topic that was recreated begin at once.
      if (former !== undefined && former.epoch !== partition.epoch) this.#advance(partition, partition.first)
    }
    for (const { partition, atMost } of counts) this.#take(partition, atMost)
    this.feed.flushSoon()
  }

  /** Time for everything that was read to be written has passed. */
  expectFlushed(): void {
    const { count } = this.feed.lastValues.batch
    if (count > 0) this.faults.push(new Error(`${count} events wait for longer than TICKER_FLUSH_DELAY_MS`))
  }

  readAll(): void {
    this.read(this.#log.partitions.map(partition => ({ partition, atMost: Infinity })))
  }

  /** A partition was cut back: whoever has read further begins anew at its end. */
  noticeCut(partition: MemoryPartition): void {
    const reading = this.#readingOf(partition)
    if (reading === undefined || reading.epoch !== partition.epoch) return
    if (reading.end > partition.end) this.#advance(partition, partition.end)
    else reading.records = partition.records
  }

  #take(partition: MemoryPartition, atMost: number): void {
    const { feed } = this
    const reading = this.#readingOf(partition)
    const isSame = reading?.epoch === partition.epoch
    const begin = isSame ? reading.end : 0
    const to = Math.min(partition.end, Math.max(begin, partition.first) + atMost)
    if (isSame && to === begin) return
    if (!isSame) this.#advance(partition, partition.gapEnd(0))
    const number = feed.numberOf(partition.partition)
    for (let offset = this.readings.get(number)!.end; offset < to; offset++) {
      this.#passGap(partition, number)
      const event = partition.records[offset]
      const isThere = offset >= this.readings.get(number)!.end
      if (event !== undefined && isThere)
        feed.add(event, { partition: number, offset, writtenMs: serialOf(event) })
      if (isThere) this.#advance(partition, offset + 1)
    }
  }

  /** What retention and compaction have removed where the node goes on is lost. */
  #passGap(partition: MemoryPartition, number: number): void {
    const reading = this.readings.get(number)!
    const to = partition.gapEnd(reading.end)
    if (to === reading.end) return
    reading.missed.push([reading.end, to])
    this.feed.lose(partition.partition, to)
    this.#advance(partition, to)
  }

  #advance(partition: MemoryPartition, offset: number): void {
    const former = this.#readingOf(partition)
    if (former !== undefined && (former.epoch !== partition.epoch || former.end > offset))
      former.isOver = true
    this.feed.advance({ partition: partition.partition, epoch: partition.epoch, offset }, partition.end)
    const number = this.feed.numberOf(partition.partition)
    const { epoch, records } = partition
    const reading = this.readings.get(number)
    if (reading === undefined)
      this.readings.set(number, {
        partition,
        epoch,
        records,
        end: offset,
        isOver: false,
        missed: [[0, partition.first], ...[...partition.compacted].map(gone => [gone, gone + 1] as const)],
      })
    else reading.end = offset
  }

  #readingOf(partition: MemoryPartition): Reading | undefined {
    return [...this.readings.values()].find(reading => reading.partition === partition && !reading.isOver)
  }
}
