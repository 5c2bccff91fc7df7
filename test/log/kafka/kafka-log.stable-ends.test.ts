import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import type { UnstableEnd } from '../../../src/log/kafka/consume/stable-ends.ts'
import { TestClock } from '../../support/test-clock.ts'
import { type OpenedKafkaLog, openKafkaLog } from './open-kafka-log.ts'
import { TailReading, until } from './reading.ts'

const brokers = inject('kafkaBrokers')

let opened: OpenedKafkaLog
let reading: TailReading
let producer: Producer
let clock: TestClock

beforeEach(async () => {
  clock = new TestClock()
  opened = await openKafkaLog(brokers, { create: { partitions: 1 }, clock })
  reading = new TailReading(opened.log)
  producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
    transactionalId: opened.topics.trades,
    maxInFlightRequests: 1,
  })
  await producer.connect()
})
afterEach(async () => {
  await reading.end()
  await producer.disconnect()
  await opened.close()
})

function ofTrades(): UnstableEnd | undefined {
  return opened.log.unstableEnds.find(({ partition }) => partition.topic === opened.topics.trades)
}

test.each(['commit', 'abort'] as const)('shows an open transaction until its %s', async end => {
  const topic = opened.topics.trades
  const records = end === 'commit' ? 3 : 0
  const pending = reading.until(() => reading.of(topic).at(-1)?.to === 4)
  await until(() => opened.log.unstableEnds.length === 5)
  expect(opened.log.unstableEnds.filter(({ offsets }) => offsets > 0)).toEqual([])
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [1, 2, 3].map(number => ({ value: String(number) })) })
  await until(() => ofTrades()?.offsets === 3)
  clock.pass(61_000)
  await until(() => ofTrades()?.stalledMs === 61_000)
  expect(opened.log.unstableEnds.filter(({ offsets }) => offsets > 0)).toHaveLength(1)
  await transaction[end]()
  await pending
  await until(() => ofTrades()?.offsets === 0)
  expect(ofTrades()?.stalledMs).toBe(0)
  expect(reading.offsets(topic)).toHaveLength(records)
})
