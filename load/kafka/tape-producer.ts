import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../src/log/topics.ts'
import type { KafkaBench } from '../lib/bench.ts'
import { monotonicUs } from '../lib/clocks.ts'
import { ProduceConnection } from './produce-connection.ts'
import { writeRecordBatch } from './record-batch-writer.ts'
import { readTapeRecords, type TapeRecord } from './tape-records.ts'

/** When the events of each item were stamped, in order, in µs; items are named as by `itemOf`. */
export type StampedTimes = Readonly<Record<string, readonly number[]>>

interface TimedRecord extends TapeRecord {
  readonly item: string
  readonly partition: number
  /** From the first record on. */
  readonly atMs: number
}

/** The item of an event. */
export function itemOf(type: string, symbol: string): string {
  return `${type} ${symbol}`
}

/** The least time between two requests. */
const lingerMs = 2

/** Publishes a tape in its own time: each event when it happened, seen from the first one (`acks=all`). */
export class TapeProducer {
  /** The tape, in words. */
  readonly description: string
  readonly topics: Topics
  readonly #records: readonly TimedRecord[]
  readonly #connection: ProduceConnection
  #next = 0

  private constructor(
    description: string,
    { topics, records }: { readonly topics: Topics; readonly records: readonly TimedRecord[] },
    connection: ProduceConnection,
  ) {
    this.description = description
    this.topics = topics
    this.#records = records
    this.#connection = connection
  }

  /** Makes topics and connects; the connection ends with the bench. */
  static async open(bench: KafkaBench, partitions: number): Promise<TapeProducer> {
    const topics = await bench.createTopics(partitions)
    const { records, description } = await readTapeRecords()
    const timed = timedRecords(records, partitions)
    const connection = await ProduceConnection.open(bench.brokers, bench.stack)
    return new TapeProducer(description, { topics, records: timed }, connection)
  }

  /** Publishes so many further events; begins again where the tape ends. */
  async publish(events: number, signal: AbortSignal): Promise<StampedTimes> {
    if (this.#next + events > this.#records.length) this.#next = 0
    const records = this.#records.slice(this.#next, this.#next + events)
    this.#next += events
    const stamped: Record<string, number[]> = {}
    const beginMs = records[0]?.atMs ?? 0
    const begunMs = performance.now()
    for (let sent = 0; sent < records.length; ) {
      signal.throwIfAborted()
      await pause(lingerMs)
      const elapsedMs = performance.now() - begunMs + beginMs
      const first = sent
      while ((records[sent]?.atMs ?? Number.POSITIVE_INFINITY) <= elapsedMs) sent++
      if (sent > first) await this.#send(records.slice(first, sent), stamped)
    }
    return stamped
  }

  async #send(records: readonly TimedRecord[], stamped: Record<string, number[]>): Promise<void> {
    const us = monotonicUs()
    const nowMs = Date.now()
    for (const { item } of records) (stamped[item] ??= []).push(us)
    const batches = [...Map.groupBy(records, ({ stream, partition }) => `${stream}/${partition}`).values()]
    await this.#connection.send(
      batches.flatMap(([first, ...others]) => {
        if (first === undefined) return []
        const { stream, partition } = first
        return [{ topic: this.topics[stream], partition, bytes: writeRecordBatch([first, ...others], nowMs) }]
      }),
    )
  }
}

function timedRecords(records: readonly TapeRecord[], partitions: number): TimedRecord[] {
  const numbers = new Map<string, number>()
  let [firstMs, lastMs] = [Number.NaN, 0]
  return records.flatMap(record => {
    // The tape holds market events, which were checked.
    const { T, S, t } = JSON.parse(record.value) as {
      readonly T: string
      readonly S?: string
      readonly t?: string
    }
    if (S === undefined || t === undefined || (T !== 't' && T !== 'q')) return []
    if (!numbers.has(S)) numbers.set(S, numbers.size % partitions)
    const ms = Date.parse(t)
    firstMs = Number.isNaN(firstMs) ? ms : firstMs
    lastMs = Math.max(lastMs, ms - firstMs)
    return [{ ...record, item: itemOf(T, S), partition: numbers.get(S) ?? 0, atMs: lastMs }]
  })
}
