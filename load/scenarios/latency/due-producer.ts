import { setTimeout as pause } from 'node:timers/promises'
import { tradeText } from '../../lib/generated-events.ts'
import { monotonicUs } from '../../lib/clocks.ts'
import type { OutgoingRecord } from '../../kafka/record-batch-writer.ts'
import type { RecordSink } from './record-sink.ts'

const symbols = 400

/** When Kafka acknowledged an event or its transaction, by the time at which it was due; both in µs. */
export type ReadableTimes = ReadonlyMap<number, number>

/**
 * Publishes trades at an even pace, one request or transaction at a time. A trade's id is the time at which
 * it was due, by the monotonic clock, so that everything that delays it counts, the producer's timer and
 * requests too.
 */
export class DueProducer {
  readonly #sink: RecordSink
  readonly #partitions: number
  #made = 0

  constructor(sink: RecordSink, partitions: number) {
    this.#sink = sink
    this.#partitions = partitions
  }

  /** Resolves when so many events can be read. */
  async publish(perSecond: number, events: number, signal: AbortSignal): Promise<ReadableTimes> {
    const readableUs = new Map<number, number>()
    const begunUs = monotonicUs()
    const dueUs = (event: number): number => begunUs + Math.floor((event * 1e6) / perSecond)
    let lastUs = begunUs
    for (let sent = 0; sent < events; ) {
      signal.throwIfAborted()
      await pause(Math.max(1, this.#sink.gatherMs - (monotonicUs() - lastUs) / 1000))
      const first = sent
      const nowUs = monotonicUs()
      while (sent < events && dueUs(sent) <= nowUs) sent++
      if (sent === first) continue
      lastUs = nowUs
      const times = Array.from({ length: sent - first }, (_, index) => dueUs(first + index))
      await this.#sink.send(this.#recordsOf(times))
      const endUs = monotonicUs()
      for (const us of times) readableUs.set(us, endUs)
    }
    return readableUs
  }

  #recordsOf(times: readonly number[]): ReadonlyMap<number, readonly OutgoingRecord[]> {
    const byPartition = new Map<number, OutgoingRecord[]>()
    for (const us of times) {
      const index = this.#made++ % symbols
      const partition = index % this.#partitions
      const records = byPartition.get(partition) ?? []
      byPartition.set(partition, records)
      const symbol = `SY${index}`
      records.push({ key: symbol, value: tradeText(us, { symbol, made: 2655, size: 100 }) })
    }
    return byPartition
  }
}
