import { zstdCompressSync } from 'node:zlib'
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import type { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { ensureTopics, withAdmin } from '../../support/topics.ts'
import { openKafkaLog, type OpenedKafkaLog } from './open-kafka-log.ts'
import { TailReading } from './reading.ts'
import { xerial } from './xerial.ts'

const brokers = inject('kafkaBrokers')
const values = Array.from({ length: 2000 }, (_, number) => `AAPL ${number} ${'126.55 '.repeat(number % 40)}`)

let opened: OpenedKafkaLog

beforeAll(async () => {
  opened = await openKafkaLog(brokers, { create: { partitions: 1 } })
})

afterAll(() => opened.close())

/** Sends `values` in one batch, through kafkajs, with what `pack` makes of them; the broker checks them. */
async function send(topic: string, type: CompressionTypes, pack?: (bytes: Buffer) => Buffer): Promise<void> {
  if (pack !== undefined && type !== CompressionTypes.None) {
    const compress = async ({ buffer }: { buffer: Buffer }) => pack(buffer)
    CompressionCodecs[type] = () => ({ compress })
  }
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  await producer.send({ topic, compression: type, messages: values.map(value => ({ value })) })
  await producer.disconnect()
}

/** Reads a topic to which `values` were sent so many times. */
async function readValues(log: KafkaLog, topic: string, times: number): Promise<(string | undefined)[]> {
  const reading = new TailReading(log)
  await reading.until(() => reading.offsets(topic).length >= values.length * times)
  await reading.end()
  return reading.of(topic).flatMap(({ records }) => records.map(({ value }) => value?.toString()))
}

test('reads what clients in JavaScript pack, in every form that a codec has', async () => {
  const { log, topics } = opened
  const topic = topics.trades
  await send(topic, CompressionTypes.GZIP)
  await send(topic, CompressionTypes.Snappy, bytes => compressSync(bytes))
  await send(topic, CompressionTypes.Snappy, xerial)
  await send(topic, CompressionTypes.LZ4, bytes => compressFrameSync(bytes))
  const checksums = { blockChecksums: true, contentChecksum: true }
  await send(topic, CompressionTypes.LZ4, bytes => compressFrameSync(bytes, checksums))
  await send(topic, CompressionTypes.ZSTD, bytes => zstdCompressSync(bytes))
  expect(await readValues(log, topic, 6)).toEqual(Array.from({ length: 6 }, () => values).flat())
})

// The broker packs anew what is not in the topic's compression, with the code of the Java client.
test.for(['gzip', 'snappy', 'lz4', 'zstd'])('reads the %s of Java', async type => {
  const topic = `${opened.topics.news}-${type}`
  await ensureTopics(brokers, [topic], { partitions: 1, settings: { 'compression.type': type } })
  onTestFinished(() => withAdmin(brokers, admin => admin.deleteTopics({ topics: [topic] })))
  const { log } = await openKafkaLog(brokers, { topics: { ...opened.topics, bars: topic } })
  onTestFinished(() => log.close())
  await send(topic, CompressionTypes.None)
  expect(await readValues(log, topic, 1)).toEqual(values)
})
