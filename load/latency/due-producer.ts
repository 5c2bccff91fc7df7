import { setTimeout as pause } from 'node:timers/promises'
import { monotonicUs } from '../monotonic-clock.ts'
import type { OutgoingRecord } from '../record-batch-writer.ts'
import type { RecordSink } from './record-sink.ts'

const symbols = 400

/** By when an event was due: when it could be read, as far as its producer was told. Both in µs. */
export type ReadableTimes = ReadonlyMap<number, number>

/**
 * Publishes trades at an even pace, one request or transaction at a time. A trade's id is the time at which it was due, in µs of the clock
 * that all processes share, so that whatever delays it counts, the producer's tick and its requests too.
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

  stop(): Promise<void> {
    return this.#sink.stop()
  }

  #recordsOf(times: readonly number[]): ReadonlyMap<number, readonly OutgoingRecord[]> {
    const byPartition = new Map<number, OutgoingRecord[]>()
    for (const us of times) {
      const index = this.#made++ % symbols
      const partition = index % this.#partitions
      const records = byPartition.get(partition) ?? []
      byPartition.set(partition, records)
      const symbol = `SY${index}`
      records.push({ key: symbol, value: tradeText(symbol, us) })
    }
    return byPartition
  }
}

function tradeText(symbol: string, us: number): string {
  return `{"T":"t","S":"${symbol}","i":${us},"x":"V","p":126.55,"s":100,"t":"2026-01-02T14:30:00.123456789Z","c":["@","I"],"z":"C"}`
}
