import type { MarketEvent } from '../../../../src/event/event.ts'
import type { Feed } from '../../../../src/feed/feed.ts'
import {
  MemoryHistory,
  type MemoryLog,
  type MemoryPartition,
  type MemoryRecord,
} from '../../../support/memory-log.ts'
import { createTestFeed, overrides } from '../../../support/defaults.ts'
import { type FeedName, feedDelaysMs, type Settings } from './steps.ts'
import { serialOf } from './acknowledged-selection.ts'

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

/** A feed of one gateway on a log: it reads when the test says so, what is due, and may lag behind. */
export class SimulatedFeed {
  readonly feed: Feed
  readonly history: MemoryHistory
  /** By the number of the partition. */
  readonly readings = new Map<number, Reading>()
  readonly #log: MemoryLog

  readonly #delayMs: number

  /** Starts at the end of what is due, and knows the last events before it. */
  constructor(
    name: FeedName,
    log: MemoryLog,
    { windowBytes, maxItems }: Pick<Settings, 'windowBytes' | 'maxItems'>,
  ) {
    this.#log = log
    this.#delayMs = feedDelaysMs[name]
    this.history = new MemoryHistory(log, this.#delayMs)
    this.feed = createTestFeed({
      name,
      delayMs: this.#delayMs,
      maxItems,
      window: { maxBytes: windowBytes, maxAgeMs: overrides.readersWindowMs },
      // So that flushes take time: that of each audience takes 1 ms.
      now: () => performance.now() + this.feed.fanOut.counts.flushes,
    })
    this.#tick()
    for (const partition of log.partitions) {
      const end = Math.max(partition.first, this.#dueEnd(partition))
      this.#advance(partition, end)
      const number = this.feed.numberOf(partition.partition)
      const there = partition.records.filter(
        (_, offset) => offset < end && partition.gapEnd(offset) === offset,
      )
      for (const event of there.toReversed())
        if (event !== undefined && event.T !== 'n')
          this.feed.lastValues.addOlder(event, number, serialOf(event))
    }
  }

  /** Whether an event is not due yet: its record lies behind everything that was read. */
  isEarly(event: MarketEvent): boolean {
    const serial = serialOf(event)
    return [...this.readings.values()].some(
      ({ records, end, isOver }) =>
        !isOver && records.findIndex(record => record !== undefined && serialOf(record) === serial) >= end,
    )
  }

  /** Reads so many records of each of some partitions, as one read of the log brings them. */
  read(counts: readonly { readonly partition: MemoryPartition; readonly atMost: number }[]): void {
    this.#tick()
    for (const partition of this.#log.partitions) {
      const former = this.#readingOf(partition)
      // All partitions of a topic that was recreated begin at once.
      if (former !== undefined && former.epoch !== partition.epoch) this.#advance(partition, partition.first)
    }
    for (const { partition, atMost } of counts) this.#take(partition, atMost)
    this.feed.flushSoon()
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

  /** No event is read before it was written: serial numbers stand for times. */
  #tick(): void {
    const serials = this.#log.partitions.flatMap(({ records }) =>
      records.map(record => (record === undefined ? 0 : serialOf(record))),
    )
    this.feed.window.tick(performance.now() + Math.max(0, ...serials))
  }

  #take(partition: MemoryPartition, atMost: number): void {
    const { feed } = this
    const reading = this.#readingOf(partition)
    const isSame = reading?.epoch === partition.epoch
    const begin = isSame ? reading.end : 0
    const to = Math.min(this.#dueEnd(partition), Math.max(begin, partition.first) + atMost)
    if (isSame && to <= begin) return
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

  #dueEnd(partition: MemoryPartition): number {
    return partition.endBefore(this.#delayMs)
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
