import type { Producer } from 'kafkajs'
import { kafkajsProducer } from '../../kafka/kafkajs-clients.ts'
import type { Topics } from '../../../src/log/topics.ts'
import { answerCalls } from '../../lib/child.ts'
import { quantileOf } from '../../lib/statistics.ts'
import { readTapeRecords, type TapeRecord } from '../../kafka/tape-records.ts'
import type { Published } from './posting.ts'

let producer: Producer | undefined
let topics: Topics | undefined
let records: readonly TapeRecord[] = []

/** The functions of the process that produces with kafkajs directly. */
const functions = {
  async open(brokers: string, wanted: Topics): Promise<void> {
    producer = kafkajsProducer(brokers)
    await producer.connect()
    topics = wanted
    records = (await readTapeRecords()).records
  },

  /** Sends for some seconds, each sender its next when the last was acknowledged. */
  async publish(size: number, concurrent: number, seconds: number): Promise<Published> {
    const begunMs = performance.now()
    const latenciesMs: number[] = []
    let from = 0
    const senders = Array.from({ length: concurrent }, async () => {
      while (performance.now() - begunMs < seconds * 1000) {
        const sentMs = performance.now()
        from = from + size > records.length ? size : from + size
        await send(records.slice(from - size, from))
        latenciesMs.push(performance.now() - sentMs)
      }
    })
    await Promise.all(senders)
    const requests = latenciesMs.length
    const [p50Ms, p99Ms] = [quantileOf(latenciesMs, 0.5), quantileOf(latenciesMs, 0.99)]
    return { requests, events: requests * size, seconds: (performance.now() - begunMs) / 1000, p50Ms, p99Ms }
  },
}

export type KafkajsPublisher = typeof functions

async function send(some: readonly TapeRecord[]): Promise<void> {
  if (producer === undefined || topics === undefined) throw new Error('nothing is open')
  const wanted = topics
  const topicMessages = [...Map.groupBy(some, ({ stream }) => stream)].map(([stream, ofStream]) => {
    return { topic: wanted[stream], messages: ofStream.map(({ key, value }) => ({ key, value })) }
  })
  await producer.sendBatch({ topicMessages, acks: -1 })
}

answerCalls(functions)
