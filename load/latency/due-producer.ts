import { setTimeout as pause } from 'node:timers/promises'
import { monotonicUs } from '../monotonic-clock.ts'
import { type PlacedBatch, ProduceConnection } from '../produce-connection.ts'
import { type OutgoingRecord, writeRecordBatch } from '../record-batch-writer.ts'

const symbols = 400
const tickMs = 1

/**
 * Publishes trades at an even pace (`acks=all`, one request at a time). A trade's id is the time at which it was due, in µs of the clock
 * that all processes share, so that whatever delays it counts, the producer's tick and its requests too.
 */
export class DueProducer {
  readonly #connection: ProduceConnection
  readonly #topic: string
  readonly #partitions: number
  #made = 0

  private constructor(connection: ProduceConnection, topic: string, partitions: number) {
    this.#connection = connection
    this.#topic = topic
    this.#partitions = partitions
  }

  static async start(brokers: string, topic: string, partitions: number): Promise<DueProducer> {
    return new DueProducer(await ProduceConnection.open(brokers), topic, partitions)
  }

  /** Resolves when Kafka has acknowledged so many events. */
  async publish(perSecond: number, events: number, signal: AbortSignal): Promise<void> {
    const begunUs = monotonicUs()
    const dueUs = (event: number): number => begunUs + Math.floor((event * 1e6) / perSecond)
    for (let sent = 0; sent < events; ) {
      signal.throwIfAborted()
      await pause(tickMs)
      const first = sent
      const nowUs = monotonicUs()
      while (sent < events && dueUs(sent) <= nowUs) sent++
      if (sent === first) continue
      await this.#send(Array.from({ length: sent - first }, (_, index) => dueUs(first + index)))
    }
  }

  stop(): void {
    this.#connection.close()
  }

  async #send(times: readonly number[]): Promise<void> {
    const byPartition = new Map<number, OutgoingRecord[]>()
    for (const us of times) {
      const index = this.#made++ % symbols
      const partition = index % this.#partitions
      const records = byPartition.get(partition) ?? []
      byPartition.set(partition, records)
      const symbol = `SY${index}`
      records.push({ key: symbol, value: tradeText(symbol, us) })
    }
    const nowMs = Date.now()
    const batches: PlacedBatch[] = [...byPartition].map(([partition, records]) => ({
      topic: this.#topic,
      partition,
      bytes: writeRecordBatch(records, nowMs),
    }))
    await this.#connection.send(batches)
  }
}

function tradeText(symbol: string, us: number): string {
  return `{"T":"t","S":"${symbol}","i":${us},"x":"V","p":126.55,"s":100,"t":"2026-01-02T14:30:00.123456789Z","c":["@","I"],"z":"C"}`
}
