import { Kafka, logLevel, type Message } from 'kafkajs'
import type { Topics } from '../src/log/topics.ts'
import { type Compression, registerCompression } from './compression.ts'
import type { Bench } from './scenario.ts'
import type { TapeRecord } from './tape-records.ts'

export interface PreloadOptions {
  readonly brokers: string
  readonly topics: Topics
  /** Of each topic. */
  readonly partitions: number
  /** Taken again from the start until there are enough. */
  readonly records: readonly TapeRecord[]
  readonly events: number
  /** Of each record batch; the last one of a partition may have fewer. */
  readonly batchRecords: number
  readonly compression: Compression
}

/** Record batches in one request. */
const batchesPerRequest = 8

interface Batch {
  readonly topic: string
  readonly messages: Message[]
}

/** Fills topics, in batches of exactly one size: a symbol to a partition, the symbols dealt out in turn. */
export async function preload(options: PreloadOptions, { signal }: Bench): Promise<void> {
  const { brokers, topics, records, events, batchRecords } = options
  const kafka = new Kafka({ clientId: 'load', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  // A topic may not have its leader yet, and a repetition must not be a second copy.
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const compression = registerCompression(options.compression)
  const send = (batches: readonly Batch[]) =>
    producer.sendBatch({ topicMessages: [...batches], compression, acks: -1 })
  const partitionOf = dealer(options.partitions)
  const open = new Map<string, Batch>()
  let full: Batch[] = []
  try {
    for (let index = 0; index < events; index++) {
      const record = records[index % records.length]
      if (record === undefined) throw new RangeError('there are no records to fill topics with')
      const partition = partitionOf(record.key)
      const where = `${record.stream}/${partition}`
      const batch = open.get(where) ?? { topic: topics[record.stream], messages: [] }
      open.set(where, batch)
      batch.messages.push({ key: record.key, value: record.value, partition })
      if (batch.messages.length < batchRecords) continue
      open.delete(where)
      full.push(batch)
      if (full.length < batchesPerRequest) continue
      signal.throwIfAborted()
      await sendInTurns(full, send)
      full = []
    }
    await sendInTurns([...full, ...open.values()], send)
  } finally {
    await producer.disconnect()
  }
}

/** kafkajs makes one batch of what a request has for a partition: of each, only one goes into a request. */
async function sendInTurns(
  batches: readonly Batch[],
  send: (batches: readonly Batch[]) => Promise<unknown>,
): Promise<void> {
  let turn: Batch[] = []
  const inTurn = new Set<string>()
  for (const batch of batches) {
    const where = `${batch.topic}/${batch.messages[0]?.partition}`
    if (inTurn.has(where)) {
      await send(turn)
      turn = []
      inTurn.clear()
    }
    turn.push(batch)
    inTurn.add(where)
  }
  if (turn.length > 0) await send(turn)
}

function dealer(partitions: number): (key: string) => number {
  const dealt = new Map<string, number>()
  return key => {
    const known = dealt.get(key)
    if (known !== undefined) return known
    const partition = dealt.size % partitions
    dealt.set(key, partition)
    return partition
  }
}
