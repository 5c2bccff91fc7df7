import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Partition, Position } from '../../src/event/log-record.ts'
import type { HistoricEvent, History, HistoryBatch, ReadableRange } from '../../src/history/history.ts'
import { TickerError } from '../../src/diagnostics/ticker-error.ts'

/** By offset: an event, or a record that is none. */
export type MemoryRecord = MarketEvent | undefined

/** A topic was recreated while it was read. */
export class MemoryLogError extends TickerError {
  readonly code = 'TICKER_MEMORY_LOG'
}

/** A batch of a history has so many records at most. */
const batchRecords = 3

/** One partition of the log. */
export class MemoryPartition {
  readonly partition: Partition
  epoch = 'epoch-0'
  /**
   * Everything that ever lay in it since it was made or cut back; an array is never changed but at its end.
   */
  records: MemoryRecord[] = []
  /** By offset: when the record was written. */
  #writtenMs: number[] = []
  /** The first offset that retention has left. */
  first = 0
  /** The first offset to which a reader without further rights may go back. */
  recent = 0
  /** The offsets that compaction has removed. */
  compacted = new Set<number>()

  constructor(partition: Partition) {
    this.partition = partition
  }

  get end(): number {
    return this.records.length
  }

  append(records: readonly MemoryRecord[]): void {
    this.records.push(...records)
    this.#writtenMs.push(...records.map(() => Date.now()))
  }

  /** Returns the offset before which every record was written so long ago. */
  endBefore(delayMs: number): number {
    const dueMs = Date.now() - delayMs
    const next = this.#writtenMs.findIndex(writtenMs => writtenMs > dueMs)
    return next < 0 ? this.end : next
  }

  /** Retention: what lies before an offset is gone. */
  retain(first: number): void {
    this.first = Math.max(this.first, Math.min(first, this.end))
    this.recent = Math.max(this.recent, this.first)
  }

  /** Readers without further rights may not go back beyond an offset any more. */
  age(recent: number): void {
    this.recent = Math.max(this.recent, Math.min(recent, this.end))
  }

  /** Compaction: the records of `[from, to)` are gone, though not the last one there is. */
  compact(from: number, to: number): void {
    for (let offset = from; offset < Math.min(to, this.end - 1); offset++) this.compacted.add(offset)
  }

  /** Returns the end of the offsets that are gone from one on: that offset itself where it is there. */
  gapEnd(from: number): number {
    let to = Math.max(from, this.first)
    while (this.compacted.has(to)) to++
    return to
  }

  /** Returns where the records that are there from an offset on end: at the next gap, or at the limit. */
  runEnd(from: number, limit: number): number {
    let to = from
    while (to < limit && !this.compacted.has(to)) to++
    return to
  }

  /** An unclean election: what lies from an offset on is gone, and its offsets will be used again. */
  cutBack(end: number): void {
    const kept = Math.max(this.first, Math.min(end, this.end))
    this.records = this.records.slice(0, kept)
    this.#writtenMs.length = kept
    this.recent = Math.min(this.recent, kept)
    this.compacted = new Set([...this.compacted].filter(offset => offset < kept))
  }

  /** Its topic is deleted and recreated. */
  makeAgain(epoch: string): void {
    this.epoch = epoch
    this.records = []
    this.#writtenMs = []
    this.first = 0
    this.recent = 0
    this.compacted = new Set()
  }
}

/** A log in memory, whose past can be read, and that suffers what logs suffer. */
export class MemoryLog {
  readonly partitions: MemoryPartition[]
  #epochs = 0

  constructor(partitions: readonly Partition[]) {
    this.partitions = partitions.map(partition => new MemoryPartition(partition))
  }

  /** Adds a partition to a topic that there is. */
  grow(topic: string): void {
    const siblings = this.partitions.filter(({ partition }) => partition.topic === topic)
    const added = new MemoryPartition({ topic, partition: siblings.length })
    added.epoch = siblings[0]?.epoch ?? added.epoch
    this.partitions.push(added)
  }

  makeTopicAgain(topic: string): void {
    const epoch = `epoch-${++this.#epochs}`
    for (const partition of this.partitions)
      if (partition.partition.topic === topic) partition.makeAgain(epoch)
  }

  at(partition: Partition): MemoryPartition {
    const { topic, partition: index } = partition
    const found = this.partitions.find(
      each => each.partition.topic === topic && each.partition.partition === index,
    )
    if (found === undefined) throw new RangeError(`no partition ${topic}/${index}`)
    return found
  }
}

/** A `MemoryLog` as readers of the past see it, in small batches with turns of the loop between them. */
export class MemoryHistory implements History {
  readonly #log: MemoryLog
  readonly #delayMs: number
  /** Each batch lies in it, so what of a batch is used after the next one has come is garbage. */
  readonly #bytes = Buffer.alloc(1_048_576)

  /** `delayMs`: of the feed; newer records cannot be read. */
  constructor(log: MemoryLog, delayMs = 0) {
    this.#log = log
    this.#delayMs = delayMs
  }

  async readableRange(partition: Partition): Promise<ReadableRange> {
    await nextLoopTurn()
    const log = this.#log.at(partition)
    return { first: log.first, recent: log.recent, stable: log.endBefore(this.#delayMs) }
  }

  async end(partition: Partition): Promise<number> {
    await nextLoopTurn()
    return this.#log.at(partition).end
  }

  async *read(position: Position, to: number, signal: AbortSignal): AsyncGenerator<HistoryBatch, void> {
    const partition = this.#log.at(position.partition)
    let next = position.offset
    while (!signal.aborted) {
      await nextLoopTurn()
      if (partition.epoch !== position.epoch) throw new MemoryLogError('the topic was recreated')
      const limit = Math.min(to, partition.endBefore(this.#delayMs))
      if (next >= limit) return
      const from = Math.min(limit, partition.gapEnd(next))
      next = partition.runEnd(from, Math.min(limit, from + batchRecords))
      yield { from, to: next, events: this.#eventsOf(partition, from, next) }
    }
  }

  #eventsOf({ records }: MemoryPartition, from: number, to: number): HistoricEvent[] {
    this.#bytes.fill('?')
    const events: HistoricEvent[] = []
    let at = 0
    for (const [index, event] of records.slice(from, to).entries()) {
      if (event === undefined) continue
      const length = this.#bytes.write(JSON.stringify(event), at)
      events.push({ event, offset: from + index, json: this.#bytes.subarray(at, at + length) })
      at += length
    }
    return events
  }
}

/** The history of an empty log. */
export const noHistory: History = {
  readableRange: () => Promise.resolve({ first: 0, recent: 0, stable: 0 }),
  end: () => Promise.resolve(0),
  async *read() {},
}
