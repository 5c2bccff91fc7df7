import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  CompressionCodecs,
  CompressionTypes,
  Kafka,
  logLevel,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import type { Position } from '../../../src/log/event-log.ts'
import { ensureTopics, removeTopics, withAdmin } from '../../support/topics.ts'
import { appendAll, bound } from '../conformance/reading.ts'
import { newSymbol, sampleTrades } from '../conformance/sample-event.ts'
import { type OpenedKafkaLog, openKafkaLog } from './open-kafka-log.ts'
import { numbers, TailReading } from './reading.ts'

const brokers = inject('kafkaBrokers')

let opened: OpenedKafkaLog
let readings: TailReading[]
let producers: Producer[]

beforeEach(async () => {
  opened = await openKafkaLog(brokers, { create: { partitions: 1 } })
  readings = []
  producers = []
})

afterEach(async () => {
  for (const reading of readings) await reading.end()
  for (const producer of producers) await producer.disconnect()
  await opened.close()
})

function follow(...start: ConstructorParameters<typeof TailReading>[1][]): TailReading {
  const reading = new TailReading(opened.log, start[0])
  readings.push(reading)
  return reading
}

async function connectProducer(config: ProducerConfig = {}): Promise<Producer> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer({
    createPartitioner: () => () => 0,
    ...config,
  })
  producers.push(producer)
  await producer.connect()
  return producer
}

const messages = (count: number) => numbers(0, count).map(number => ({ key: 'k', value: `value ${number}` }))

test('shows committed records, hides aborted ones, and reaches the stable end in either case', async () => {
  const { log, topics } = opened
  const topic = topics.trades
  const producer = await connectProducer({ idempotent: true, transactionalId: topic, maxInFlightRequests: 1 })
  const reading = follow()
  for (const [index, end] of (['abort', 'commit', 'abort'] as const).entries()) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: messages(3) })
    await transaction[end]()
    // Three records and a control record each time.
    await reading.until(() => reading.of(topic).at(-1)?.to === 4 * (index + 1))
  }
  expect(reading.offsets(topic)).toEqual([4, 5, 6])
  const [beginning] = (await log.partitions(bound())).filter(({ partition }) => partition.topic === topic)
  expect(await log.ends(beginning!.partition)).toEqual({ first: 0, stable: 12 })
  expect(reading.of(topic).at(-1)).toMatchObject({ to: 12, stable: 12, records: [] })
})

test('waits at the beginning of an open transaction, as its stable end does', async () => {
  const { log, topics } = opened
  const topic = topics.trades
  const producer = await connectProducer({ idempotent: true, transactionalId: topic, maxInFlightRequests: 1 })
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: messages(3) })
  const plain = await connectProducer()
  await plain.send({ topic, messages: messages(2) })
  const reading = follow()
  const { partition } = (await log.partitions(bound())).find(each => each.partition.topic === topic)!
  expect((await log.ends(partition)).stable).toBe(0)
  for await (const batch of log.range(partition, 0, 5, bound())) expect(batch.records).toEqual([])
  await transaction.commit()
  await reading.until(() => reading.offsets(topic).length === 5)
  expect(reading.of(topic)[0]?.from).toBe(0)
})

test('reads gzip and zstd', async () => {
  const { topics } = opened
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
    decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
  })
  const producer = await connectProducer()
  const reading = follow()
  for (const compression of [CompressionTypes.GZIP, CompressionTypes.ZSTD, CompressionTypes.None]) {
    await producer.send({ topic: topics.news, messages: messages(100), compression })
  }
  await reading.until(() => reading.offsets(topics.news).length === 300)
  const values = reading
    .of(topics.news)
    .flatMap(({ records }) => records.map(({ value }) => value?.toString()))
  expect(values).toEqual([1, 2, 3].flatMap(() => messages(100).map(({ value }) => value)))
})

test('reads headers and the absence of keys and values', async () => {
  const { topics } = opened
  const producer = await connectProducer()
  const headers = { 'content-type': ['application/msgpack', 'x'] }
  await producer.send({ topic: topics.news, messages: [{ value: null, headers }] })
  const reading = follow()
  await reading.until(() => reading.offsets(topics.news).length === 1)
  const expected = ['application/msgpack', 'x'].map(value => ({
    name: 'content-type',
    value: Buffer.from(value),
  }))
  expect(reading.batches[0]?.records).toMatchObject([{ key: null, value: null, headers: expected }])
})

test('follows a topic that was deleted and recreated, and gives positions of the new one', async () => {
  const { log, topics } = opened
  const topic = topics.trades
  const reading = follow()
  const [before] = await appendAll(log, sampleTrades(newSymbol(), 5))
  await reading.until(() => reading.offsets(topic).length === 5)
  await removeTopics(brokers, [topic])
  await ensureTopics(brokers, [topic], { partitions: 1 })
  await reading.until(() => reading.of(topic).at(-1)?.epoch !== before?.epoch)
  const [after] = await appendAll(log, sampleTrades(newSymbol(), 8))
  await reading.until(() => reading.offsets(topic).length === 13)
  expect(reading.offsets(topic)).toEqual([...numbers(0, 5), ...numbers(0, 8)])
  expect(after?.epoch).not.toBe(before?.epoch)
  expect(reading.of(topic).at(-1)?.epoch).toBe(after?.epoch)
  expect((await log.partitions(bound())).map(({ epoch }) => epoch)).toContain(after?.epoch)
})

test('finds partitions that are added', async () => {
  const { log, topics } = opened
  const reading = follow()
  await withAdmin(brokers, admin =>
    admin.createPartitions({ topicPartitions: [{ topic: topics.bars, count: 3 }] }),
  )
  const isBars = ({ partition }: Position) => partition.topic === topics.bars
  // kafkajs drops a message for a partition that its broker has not heard of.
  while ((await log.partitions(bound())).filter(isBars).length < 3);
  const producer = await connectProducer({ createPartitioner: () => () => 2 })
  await producer.send({ topic: topics.bars, messages: messages(4) })
  await reading.until(() => reading.offsets(topics.bars, 2).length === 4)
  expect(reading.offsets(topics.bars, 2)).toEqual([0, 1, 2, 3])
})

test('waits for topics that are missing, and reads the others meanwhile', async () => {
  const { topics } = opened
  await removeTopics(brokers, [topics.news])
  const reading = follow()
  await appendAll(opened.log, sampleTrades(newSymbol(), 2))
  await reading.until(() => reading.offsets(topics.trades).length === 2)
  expect(opened.warnings.map(({ message }) => message)).toContain(
    'waiting for a topic: Kafka answered UNKNOWN_TOPIC_OR_PARTITION',
  )
  await ensureTopics(brokers, [topics.news], { partitions: 1 })
  const producer = await connectProducer()
  await producer.send({ topic: topics.news, messages: messages(2) })
  await reading.until(() => reading.offsets(topics.news).length === 2)
})

test('reports records that retention dropped before they were read', async () => {
  const { log, topics } = opened
  const topic = topics.trades
  const [first] = await appendAll(log, sampleTrades(newSymbol(), 10))
  await withAdmin(brokers, async admin => {
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
  })
  const reading = follow([{ ...first!, offset: 1 }])
  await reading.until(() => reading.offsets(topic).length === 6)
  expect(reading.of(topic)[0]?.from).toBe(4)
  const ranges = await Array.fromAsync(log.range(first!.partition, 0, 6, bound()))
  expect(ranges.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual([4, 5])
  expect(await Array.fromAsync(log.range(first!.partition, 0, 3, bound()))).toMatchObject([
    { from: 3, to: 3 },
  ])
  expect(opened.warnings).toContainEqual({
    fields: { ...first!.partition, from: 1, to: 4 },
    message: 'position lost: the log no longer has 3 offsets',
  })
  expect(log.stats.positionsExpired).toBe(3)
})

test('reports a position beyond the end, and continues at the end', async () => {
  const { log, topics } = opened
  const [first] = await appendAll(log, sampleTrades(newSymbol(), 10))
  const reading = follow([{ ...first!, offset: 1000 }])
  await reading.until(() => reading.batches.length === 1)
  expect(reading.batches).toMatchObject([{ from: 10, to: 10, epoch: first!.epoch }])
  await appendAll(log, sampleTrades(newSymbol(), 1))
  await reading.until(() => reading.offsets(topics.trades).length === 1)
  expect(log.stats.positionsTruncated).toBe(1)
})
