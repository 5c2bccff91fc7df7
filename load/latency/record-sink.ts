import { setTimeout as pause } from 'node:timers/promises'
import kafkajs, { type Producer } from 'kafkajs'
import { ProduceConnection } from '../produce-connection.ts'
import { type OutgoingRecord, writeRecordBatch } from '../record-batch-writer.ts'

/** Takes what a producer has made, to a topic. */
export interface RecordSink {
  /** How long records gather, in ms. */
  readonly gatherMs: number
  /** Resolves when they can be read, as far as a producer is told. */
  send(byPartition: ReadonlyMap<number, readonly OutgoingRecord[]>): Promise<void>
  stop(): Promise<void>
}

/** One request at a time, `acks=all`: what is acknowledged can be read. */
export async function openPlainSink(brokers: string, topic: string): Promise<RecordSink> {
  const connection = await ProduceConnection.open(brokers)
  return {
    gatherMs: 1,
    send: byPartition => {
      const nowMs = Date.now()
      const batches = [...byPartition].map(([partition, records]) => {
        return { topic, partition, bytes: writeRecordBatch(records, nowMs) }
      })
      return connection.send(batches)
    },
    stop: () => Promise.resolve(connection.close()),
  }
}

const commitMs = 10
/** Their last transactions are being ended at the broker while others begin. */
const producers = 4
const busyPauseMs = 1

/** A transaction every 10 ms: what is committed can be read. */
export async function openTransactionalSink(brokers: string, topic: string): Promise<RecordSink> {
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    clientId: 'load',
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const pool: Producer[] = []
  for (let index = 0; index < producers; index++) {
    const transactionalId = `load-latency-${process.pid}-${index}`
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    pool.push(producer)
  }
  let next = 0
  return {
    gatherMs: commitMs,
    send: async byPartition => {
      const producer = pool[next++ % producers]
      if (producer === undefined) return
      const messages = [...byPartition].flatMap(([partition, records]) => {
        return records.map(record => ({ ...record, partition }))
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
    stop: async () => void (await Promise.all(pool.map(producer => producer.disconnect()))),
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
