import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../src/log/topics.ts'
import { withAdmin } from '../test/support/topics.ts'
import { monotonicUs } from './monotonic-clock.ts'
import type { NumberedRecord, NumberedSource } from './numbered-source.ts'
import { ProduceConnection } from './produce-connection.ts'
import { writeRecordBatch } from './record-batch-writer.ts'

export interface NumberedPace {
  readonly perSecond: number
  /** How long events gather at least: one request to Kafka each time. */
  readonly lingerMs: number
}

/** What goes into one request of a backlog. */
const backlogRequest = 20_000
const leaderTimeoutMs = 20_000
const leaderPollMs = 100

/** Publishes numbered events (`acks=all`), one request at a time, in this process. */
export class NumberedProducer {
  readonly #connection: ProduceConnection
  readonly #topics: Topics

  private constructor(connection: ProduceConnection, topics: Topics) {
    this.#connection = connection
    this.#topics = topics
  }

  static async start(brokers: string, topics: Topics): Promise<NumberedProducer> {
    await withAdmin(brokers, async admin => {
      for (const topic of [topics.trades, topics.quotes])
        await untilAnswered(() => admin.fetchTopicOffsets(topic))
    })
    return new NumberedProducer(await ProduceConnection.open(brokers), topics)
  }

  /** Publishes so many events as fast as Kafka takes them, with records of that age. */
  async publishBacklog(
    source: NumberedSource,
    { events, ageMs }: { readonly events: number; readonly ageMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    for (let left = events; left > 0; left -= backlogRequest) {
      signal.throwIfAborted()
      await this.#send(source, Math.min(left, backlogRequest), Date.now() - ageMs)
    }
  }

  /**
   * Publishes at an even pace until `until` aborts; each event is stamped just before its request. Resolves when Kafka has acknowledged
   * all, with the longest time between two requests in ms.
   */
  async publishPaced(
    source: NumberedSource,
    { perSecond, lingerMs }: NumberedPace,
    until: AbortSignal,
  ): Promise<number> {
    const begunMs = performance.now()
    let [sent, lastMs, longestGapMs] = [0, begunMs, 0]
    while (!until.aborted) {
      await pause(Math.max(0, lingerMs - (performance.now() - lastMs)))
      const nowMs = performance.now()
      const due = Math.floor(((nowMs - begunMs) * perSecond) / 1000)
      if (due === sent) continue
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs)
      lastMs = nowMs
      await this.#send(source, due - sent, Date.now())
      sent = due
    }
    return longestGapMs
  }

  stop(): void {
    this.#connection.close()
  }

  async #send(source: NumberedSource, count: number, timestampMs: number): Promise<void> {
    const us = monotonicUs()
    const records = Array.from({ length: count }, () => source.next(us))
    const byPlace = Map.groupBy(records, ({ stream, partition }) => `${stream}/${partition}`)
    const batches = [...byPlace.values()].map(group => this.#batch(group, timestampMs))
    await this.#connection.send(batches)
  }

  #batch(group: readonly NumberedRecord[], timestampMs: number) {
    const { stream, partition } = group[0]!
    return { topic: this.#topics[stream], partition, bytes: writeRecordBatch(group, timestampMs) }
  }
}

/** A broker hears a moment later that it leads a new partition. */
async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + leaderTimeoutMs
  for (;;) {
    try {
      await ask()
      return
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await pause(leaderPollMs)
    }
  }
}
