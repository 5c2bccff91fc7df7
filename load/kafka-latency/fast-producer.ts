import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../src/log/topics.ts'
import { EventSource, type GeneratedRecord, lastRecords, type Pace } from '../event-source.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import type { PlacedBatch, ProduceConnection } from '../produce-connection.ts'
import { writeRecordBatch } from '../record-batch-writer.ts'

/** How the producer kept its pace. */
export interface Pacing {
  /** From the first request to the last acknowledgement. */
  readonly seconds: number
  /** Between two requests, the first's acknowledgement included. */
  readonly longestGapMs: number
  readonly requests: number
}

/** How long events gather at least. */
const lingerMs = 5
/** Of one request: a broker takes batches of up to a megabyte, and after a pause of it more than that may have gathered. */
const mostEvents = 16_000

/** Publishes generated events (`acks=all`) at a small part of kafkajs' cost, one request at a time, in this process. */
export class FastProducer {
  readonly #connection: ProduceConnection
  readonly #topics: Topics
  readonly #source = new EventSource()

  constructor(connection: ProduceConnection, topics: Topics) {
    this.#connection = connection
    this.#topics = topics
  }

  /** Publishes events at an even pace; each is stamped just before its request. While one is under way, the next ones gather. */
  async publishPaced({ perSecond, seconds }: Pace, signal: AbortSignal): Promise<Pacing> {
    const events = perSecond * seconds
    const begunMs = performance.now()
    let [sent, requests, lastMs, longestGapMs] = [0, 0, begunMs, 0]
    while (sent < events) {
      signal.throwIfAborted()
      await pause(Math.max(0, lingerMs - (performance.now() - lastMs)))
      const nowMs = performance.now()
      const owed = Math.floor(((nowMs - begunMs) * perSecond) / 1000)
      const due = Math.min(events, sent + mostEvents, owed)
      if (due === sent) continue
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs)
      lastMs = nowMs
      await this.#send(this.#make(due - sent))
      sent = due
      requests++
    }
    await this.#send(lastRecords(monotonicUs()))
    return { seconds: (performance.now() - begunMs) / 1000, longestGapMs, requests }
  }

  stop(): void {
    this.#connection.close()
  }

  #make(count: number): GeneratedRecord[] {
    const us = monotonicUs()
    return Array.from({ length: count }, () => this.#source.next(us))
  }

  async #send(records: readonly GeneratedRecord[]): Promise<void> {
    const byPlace = Map.groupBy(records, ({ stream, partition }) => `${stream}/${partition}`)
    const nowMs = Date.now()
    const batches: PlacedBatch[] = []
    for (const group of byPlace.values()) {
      const [first] = group
      if (first === undefined) continue
      const { stream, partition } = first
      batches.push({ topic: this.#topics[stream], partition, bytes: writeRecordBatch(group, nowMs) })
    }
    await this.#connection.send(batches)
  }
}
