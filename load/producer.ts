import { setTimeout as pause } from 'node:timers/promises'
import { Kafka, logLevel, type Producer as KafkaProducer } from 'kafkajs'
import type { Topics } from '../src/log/topics.ts'
import { EventSource, type GeneratedRecord, lastRecords, lastSymbols, partitions } from './event-source.ts'
import { monotonicUs } from './monotonic-clock.ts'

export interface Pace {
  readonly perSecond: number
  readonly seconds: number
}

/** How many events come after all others: one for each partition of the two topics. */
export const lastEvents = lastSymbols.length * 2

/** How long events gather: one request to Kafka each time. */
const lingerMs = 5
/** kafkajs groups the messages of a request quadratically: 500 a partition cost little (measured). */
const recordsPerRequest = 500 * partitions * 2
/** Requests that may be under way in a paced phase; then the producer waits, which shows as a gap. */
const maxUnderWay = 200

/** Publishes generated events with kafkajs (`acks=all`), in this process. */
export class Producer {
  readonly #producer: KafkaProducer
  readonly #topics: Topics
  readonly #source = new EventSource()

  private constructor(producer: KafkaProducer, topics: Topics) {
    this.#producer = producer
    this.#topics = topics
  }

  static async start(brokers: string, topics: Topics): Promise<Producer> {
    const kafka = new Kafka({ clientId: 'load', brokers: brokers.split(','), logLevel: logLevel.ERROR })
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    return new Producer(producer, topics)
  }

  /** Publishes so many events as fast as Kafka takes them. */
  async publishBacklog(events: number, signal: AbortSignal): Promise<void> {
    for (let left = events - lastEvents; left > 0; left -= recordsPerRequest) {
      signal.throwIfAborted()
      await this.#send(this.#make(Math.min(left, recordsPerRequest)))
    }
    await this.#send(lastRecords(monotonicUs()))
  }

  /**
   * Publishes events at an even pace. Resolves when Kafka has acknowledged all, with the longest time in ms between two
   * requests: events are stamped when sent, not when due.
   */
  async publishPaced({ perSecond, seconds }: Pace, signal: AbortSignal): Promise<number> {
    const events = perSecond * seconds
    const underWay = new Set<Promise<void>>()
    const begunMs = performance.now()
    let sent = 0
    let lastMs = begunMs
    let longestGapMs = 0
    while (sent < events) {
      signal.throwIfAborted()
      await (underWay.size < maxUnderWay ? pause(lingerMs) : Promise.race(underWay))
      const nowMs = performance.now()
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs)
      lastMs = nowMs
      const due = Math.min(events, Math.floor(((nowMs - begunMs) * perSecond) / 1000))
      if (due === sent) continue
      const sending = this.#send(this.#make(due - sent)).finally(() => underWay.delete(sending))
      underWay.add(sending)
      sent = due
    }
    await Promise.all(underWay)
    await this.#send(lastRecords(monotonicUs()))
    return longestGapMs
  }

  async stop(): Promise<void> {
    await this.#producer.disconnect()
  }

  #make(count: number): GeneratedRecord[] {
    const us = monotonicUs()
    return Array.from({ length: count }, () => this.#source.next(us))
  }

  async #send(records: readonly GeneratedRecord[]): Promise<void> {
    const byStream = Map.groupBy(records, ({ stream }) => stream)
    const topicMessages = [...byStream].map(([stream, messages]) => ({
      topic: this.#topics[stream],
      messages,
    }))
    await this.#producer.sendBatch({ topicMessages, acks: -1 })
  }
}
