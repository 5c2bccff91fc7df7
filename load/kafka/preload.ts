import type { Message } from 'kafkajs'
import type { Topics } from '../../src/log/topics.ts'
import type { KafkaBench } from '../lib/bench.ts'
import { type Compression, registerCompression } from './compression.ts'
import { kafkajsProducer } from './kafkajs-clients.ts'
import type { TapeRecord } from './tape-records.ts'

export interface PreloadOptions {
  readonly topics: Topics
  readonly partitions: number
  /** Taken again from the start until there are enough. */
  readonly records: readonly TapeRecord[]
  readonly events: number
  /** Of each record batch; the last one of a partition may have fewer. */
  readonly batchRecords: number
  readonly compression: Compression
}

/** Fills topics with batches of one size. A symbol has one partition; partitions get the symbols in turn. */
export async function preload(options: PreloadOptions, { brokers, signal }: KafkaBench): Promise<void> {
  const { topics, partitions, records, events, batchRecords } = options
  const partitionOf = new Map<string, number>()
  const byPartition = new Map<string, { readonly topic: string; readonly messages: Message[] }>()
  for (let index = 0; index < events; index++) {
    const record = records[index % records.length]
    if (record === undefined) throw new RangeError('there are no records to fill topics with')
    const { key, value, stream } = record
    const partition = partitionOf.get(key) ?? partitionOf.size % partitions
    partitionOf.set(key, partition)
    const where = `${stream}/${partition}`
    const filled = byPartition.get(where) ?? { topic: topics[stream], messages: [] }
    byPartition.set(where, filled)
    filled.messages.push({ key, value, partition })
  }
  const compression = registerCompression(options.compression)
  const producer = kafkajsProducer(brokers)
  await producer.connect()
  try {
    // kafkajs makes one batch of what a request has for a partition.
    for (let from = 0; byPartition.size > 0; from += batchRecords) {
      signal.throwIfAborted()
      const topicMessages = [...byPartition.values()].map(({ topic, messages }) => {
        return { topic, messages: messages.slice(from, from + batchRecords) }
      })
      await producer.sendBatch({ topicMessages, compression, acks: -1 })
      for (const [where, { messages }] of byPartition)
        if (messages.length <= from + batchRecords) byPartition.delete(where)
    }
  } finally {
    await producer.disconnect()
  }
}
