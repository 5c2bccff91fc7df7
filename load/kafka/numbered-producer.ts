import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../src/log/topics.ts'
import type { KafkaBench } from '../lib/bench.ts'
import { monotonicUs } from '../lib/clocks.ts'
import { type NumberedRecord, NumberedSource, topicPartitions } from './numbered-source.ts'
import { ProduceConnection } from './produce-connection.ts'
import { writeRecordBatch } from './record-batch-writer.ts'

/** When events are published. */
export interface PublishSchedule {
  readonly perSecond: number
  /** How long events gather at least: one request to Kafka each time. */
  readonly lingerMs: number
  /** Ends when so many are published; without, when the signal aborts. */
  readonly events?: number
}

/** How the producer kept to its schedule. */
export interface Publishing {
  /** From the beginning to the last acknowledgement. */
  readonly seconds: number
  /** The longest time between two requests, the first one's acknowledgement included. */
  readonly longestGapMs: number
}

/** Of one request: a broker takes batches of up to a megabyte, and more may have gathered while it paused. */
const mostEvents = 16_000

/** Publishes numbered events (`acks=all`), one request at a time, in this process. */
export class NumberedProducer {
  readonly topics: Topics
  readonly source: NumberedSource
  readonly #connection: ProduceConnection

  private constructor(topics: Topics, source: NumberedSource, connection: ProduceConnection) {
    this.topics = topics
    this.source = source
    this.#connection = connection
  }

  /** Makes topics for the events of so many symbols, and connects; the connection ends with the bench. */
  static async open(bench: KafkaBench, symbols: number): Promise<NumberedProducer> {
    const topics = await bench.createTopics(topicPartitions)
    const connection = await ProduceConnection.open(bench.brokers, bench.stack)
    return new NumberedProducer(topics, new NumberedSource(symbols), connection)
  }

  /** Publishes so many events as fast as Kafka takes them, with records of that age. */
  async publishBacklog(events: number, ageMs: number, signal: AbortSignal): Promise<void> {
    for (let left = events; left > 0; left -= mostEvents) {
      signal.throwIfAborted()
      await this.#send(Math.min(left, mostEvents), Date.now() - ageMs)
    }
  }

  /** Publishes at an even pace, stamping events just before their request. Resolves when Kafka has all. */
  async publish(schedule: PublishSchedule, until: AbortSignal): Promise<Publishing> {
    const { perSecond, lingerMs, events = Number.POSITIVE_INFINITY } = schedule
    const begunMs = performance.now()
    let [sent, lastMs, longestGapMs] = [0, begunMs, 0]
    while (!until.aborted && sent < events) {
      await pause(Math.max(0, lingerMs - (performance.now() - lastMs)))
      const nowMs = performance.now()
      const elapsed = Math.floor(((nowMs - begunMs) * perSecond) / 1000)
      const due = Math.min(events, sent + mostEvents, elapsed)
      if (due === sent) continue
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs)
      lastMs = nowMs
      await this.#send(due - sent, Date.now())
      sent = due
    }
    return { seconds: (performance.now() - begunMs) / 1000, longestGapMs }
  }

  /** Publishes beside other work until the returned function is called; it resolves as `publish` does. */
  start(schedule: PublishSchedule, signal: AbortSignal): () => Promise<Publishing> {
    const ending = new AbortController()
    const publishing = this.publish(schedule, AbortSignal.any([ending.signal, signal]))
    publishing.catch(() => undefined)
    return () => {
      ending.abort()
      return publishing
    }
  }

  async #send(count: number, timestampMs: number): Promise<void> {
    const us = monotonicUs()
    const records = Array.from({ length: count }, () => this.source.next(us))
    const byPartition = Map.groupBy(records, ({ stream, partition }) => `${stream}/${partition}`)
    await this.#connection.send([...byPartition.values()].map(group => this.#batchOf(group, timestampMs)))
  }

  #batchOf(group: readonly NumberedRecord[], timestampMs: number) {
    const { stream, partition } = group[0]!
    return { topic: this.topics[stream], partition, bytes: writeRecordBatch(group, timestampMs) }
  }
}
