import type { Producer } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'
import { kafkajsClient } from '../../kafka/kafkajs-clients.ts'
import { ProduceConnection } from '../../kafka/produce-connection.ts'
import { type OutgoingRecord, writeRecordBatch } from '../../kafka/record-batch-writer.ts'
import { monotonicUs } from '../../lib/clocks.ts'
import { tradeText } from '../../lib/generated-events.ts'

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
    const records = times.map(us => {
      const index = this.#made++ % symbols
      const symbol = `SY${index}`
      return { index, key: symbol, value: tradeText(us, { symbol, made: 2655, size: 100 }) }
    })
    return Map.groupBy(records, ({ index }) => index % this.#partitions)
  }
}

/** Appends the records of a producer to a topic. */
export interface RecordSink {
  /** How long records gather, in ms. */
  readonly gatherMs: number
  /** Resolves when they can be read, as far as a producer is told. */
  send(byPartition: ReadonlyMap<number, readonly OutgoingRecord[]>): Promise<void>
}

/** One request at a time, `acks=all`: an acknowledged record can be read. It ends with the stack. */
export async function openPlainSink(
  brokers: string,
  topic: string,
  stack: AsyncDisposableStack,
): Promise<RecordSink> {
  const connection = await ProduceConnection.open(brokers, stack)
  return {
    gatherMs: 1,
    send: byPartition => {
      const nowMs = Date.now()
      const batches = [...byPartition].map(([partition, records]) => {
        return { topic, partition, bytes: writeRecordBatch(records, nowMs) }
      })
      return connection.send(batches)
    },
  }
}

const commitMs = 10
/** While the broker still ends the last transaction of one, others begin. */
const producers = 4
const busyPauseMs = 1

/** A transaction every 10 ms: a committed record can be read. It ends with the stack. */
export async function openTransactionalSink(
  brokers: string,
  topic: string,
  stack: AsyncDisposableStack,
): Promise<RecordSink> {
  const kafka = kafkajsClient(brokers)
  const pool: Producer[] = []
  for (let index = 0; index < producers; index++) {
    const transactionalId = `load-latency-${process.pid}-${index}`
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    stack.defer(() => producer.disconnect())
    pool.push(producer)
  }
  let next = 0
  return {
    gatherMs: commitMs,
    send: async byPartition => {
      const producer = pool[next++ % producers]
      if (producer === undefined) return
      const messages = [...byPartition].flatMap(([partition, records]) => {
        return records.map(({ key, value }) => ({ key, value, partition }))
      })
      await unlessBusy(async () => {
        const transaction = await producer.transaction()
        try {
          await transaction.send({ topic, messages })
          await transaction.commit()
        } catch (error) {
          if (transaction.isActive()) await transaction.abort()
          throw error
        }
      })
    },
  }
}

/** The broker may still be ending the producer's last transaction. */
async function unlessBusy(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Error && 'type' in error && error.type === 'CONCURRENT_TRANSACTIONS'))
        throw error
      await pause(busyPauseMs)
    }
  }
}
