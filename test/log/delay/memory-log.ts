import type {
  AppendResult,
  Ends,
  EventLog,
  LogBatch,
  LogRecord,
  Position,
} from '../../../src/log/event-log.ts'
import { KafkaError } from '../../../src/log/kafka/kafka-error.ts'

/** A record to write. */
export interface WrittenRecord {
  readonly timestampMs: number
  readonly value: string
}

/** One partition of a log in memory. */
export class MemoryPartition {
  readonly partition = { topic: 'market.trades', partition: 0 }
  epoch = 'first'
  /** Whether the partition answers. */
  isLed = true
  first = 0
  end = 0
  #records: LogRecord[] = []

  constructor(number: number) {
    this.partition.partition = number
  }

  /** Appends records, and returns the first one's offset. */
  write(records: readonly WrittenRecord[]): number {
    const begin = this.end
    for (const { timestampMs, value } of records) {
      const offset = this.end++
      this.#records.push({ offset, timestampMs, key: null, value: Buffer.from(value), headers: [] })
    }
    return begin
  }

  /** An offset without a record, such as a transaction's marker. */
  mark(): void {
    this.end += 1
  }

  dropBefore(offset: number): void {
    this.first = Math.max(this.first, offset)
    this.#records = this.#records.filter(record => record.offset >= offset)
  }

  cutBack(end: number): void {
    this.end = end
    this.#records = this.#records.filter(record => record.offset < end)
  }

  recreate(): void {
    this.epoch += '!'
    this.first = 0
    this.cutBack(0)
  }

  between(from: number, to: number): readonly LogRecord[] {
    return this.#records.filter(({ offset }) => offset >= from && offset < to)
  }
}

/** The longest batch. */
const sliceRecords = 100

/** A log in memory, which answers at once, or not at all. */
export class MemoryLog implements EventLog {
  parts: readonly MemoryPartition[]
  isReachable = true
  /** How often something was asked. */
  asked = 0

  constructor(count: number) {
    this.parts = Array.from({ length: count }, (_, number) => new MemoryPartition(number))
  }

  /** Removes the last partition. */
  dropLast(): void {
    this.parts = this.parts.slice(0, -1)
  }

  async partitions(): Promise<readonly Position[]> {
    this.#ask()
    return this.parts.map(({ partition, epoch, first }) => ({ partition, epoch, offset: first }))
  }

  // oxlint-disable-next-line require-yield
  async *tail(): AsyncGenerator<readonly LogBatch[], void> {
    throw new Error('a delayed log reads ranges')
  }

  async *range(
    partition: Position['partition'],
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch, void> {
    this.#ask()
    const part = this.#part(partition)
    const limit = Math.min(to, part.end)
    let next = Math.min(Math.max(from, part.first), part.end)
    if (next !== from) yield this.#batch(part, [next, next])
    while (next < limit && !signal.aborted) {
      this.#ask()
      const records = part.between(next, limit).slice(0, sliceRecords)
      const end = records.length < sliceRecords ? limit : (records.at(-1)?.offset ?? next) + 1
      yield this.#batch(part, [next, end])
      next = end
    }
  }

  async ends(partition: Position['partition']): Promise<Ends> {
    this.#ask()
    const { first, end } = this.#part(partition)
    return { first, stable: end }
  }

  async offsetAt(partition: Position['partition'], timeMs: number): Promise<number> {
    this.#ask()
    const part = this.#part(partition)
    return part.between(0, part.end).find(({ timestampMs }) => timestampMs >= timeMs)?.offset ?? part.end
  }

  async append(): Promise<readonly AppendResult[]> {
    return []
  }

  async close(): Promise<void> {}

  #ask(): void {
    this.asked += 1
    if (!this.isReachable) throw new KafkaError('the brokers cannot be reached')
  }

  #part({ partition }: Position['partition']): MemoryPartition {
    const part = this.parts[partition]!
    if (!part.isLed) throw new KafkaError(`market.trades/${partition} has no leader`)
    return part
  }

  #batch(part: MemoryPartition, [from, to]: readonly [from: number, to: number]): LogBatch {
    const { partition, epoch, end } = part
    return { partition, epoch, from, to, stable: end, records: part.between(from, to) }
  }
}
