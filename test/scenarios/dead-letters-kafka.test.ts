import { randomUUID } from 'node:crypto'
import { encode } from '@msgpack/msgpack'
import { type IHeaders, Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, inject, onTestFinished, test } from 'vitest'
import type { LogRecord } from '../../src/log/event-log.ts'
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts'
import type { Topics } from '../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { createTopics, deleteTopics, ensureTopics, kafkaVariables, withAdmin } from '../support/topics.ts'

const brokers = inject('kafkaBrokers')
let topics: Topics
let deadLetters: string

beforeEach(async () => {
  topics = await createTopics(brokers, { partitions: 1 })
  deadLetters = `test-${randomUUID().slice(0, 8)}-dead`
})

afterEach(async () => {
  await deleteTopics(brokers, topics)
  await withAdmin(brokers, admin => admin.deleteTopics({ topics: [deadLetters] }).catch(() => undefined))
})

interface Sent {
  readonly key: string | null
  readonly value: string | Buffer | null
  readonly headers?: IHeaders
}

async function produce(messages: readonly Sent[]): Promise<void> {
  const producer = new Kafka({
    clientId: 'test',
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
  }).producer()
  await producer.connect()
  await producer.send({
    topic: topics.trades,
    messages: messages.map(message => ({ ...message, timestamp: '1700000000000' })),
  })
  await producer.disconnect()
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({
    ...env,
    ...kafkaVariables(brokers, topics),
    TICKER_TOPIC_DEAD_LETTERS: deadLetters,
  })
  onTestFinished(() => gateway.stop())
  return gateway
}

const counted = (gateway: TestGateway, outcome: string) =>
  gateway.metric(`ticker_dead_letters_total{outcome="${outcome}"}`)

const until = async (gateway: TestGateway, outcome: string, count: number) =>
  await expect.poll(() => counted(gateway, outcome)).toBe(count)

/** What lies in the topic of dead letters. */
async function readLetters(): Promise<LogRecord[]> {
  const log = createKafkaLog({
    brokers: [brokers],
    clientId: 'test',
    topics: { ...topics, trades: deadLetters },
    logger: { warn: () => undefined },
  })
  try {
    const { signal } = new AbortController()
    const letters: LogRecord[] = []
    for (const { partition } of await log.partitions(signal)) {
      if (partition.topic !== deadLetters) continue
      const { first, stable } = await log.ends(partition)
      for await (const { records } of log.range(partition, first, stable, signal)) letters.push(...records)
    }
    return letters
  } finally {
    await log.close()
  }
}

const headersOf = ({ headers }: LogRecord) =>
  Object.fromEntries(headers.map(({ name, value }) => [name.replace('__ticker.errors.', ''), String(value)]))

test('copies poison records with bytes, headers and reason; a restart keeps their keys', async () => {
  await ensureTopics(brokers, [deadLetters], { partitions: 2, settings: { 'cleanup.policy': 'compact' } })
  const packed = Buffer.from(encode({ T: 't', S: 'A' }))
  const long = Buffer.alloc(300_000, 'x')
  await produce([
    { key: 'A', value: 'no JSON', headers: { trace: 'abc', 'content-type': 'text/plain' } },
    { key: null, value: '' },
    { key: 'B', value: '{"T":"?"}' },
    { key: 'C', value: packed, headers: { 'content-type': 'application/msgpack' } },
    { key: 'D', value: long },
    { key: 'E', value: null },
  ])
  const gateway = await start()
  await until(gateway, 'written', 5)
  const letters = new Map((await readLetters()).map(letter => [String(letter.key), letter]))
  const at = (offset: number) => letters.get(`${topics.trades}/0/${offset}`)!

  expect(letters.size).toBe(5)
  expect(headersOf(at(0))).toEqual({
    trace: 'abc',
    'content-type': 'text/plain',
    reason: 'syntax',
    rule: expect.stringContaining('expected JSON'),
    topic: topics.trades,
    partition: '0',
    offset: '0',
    timestamp: '1700000000000',
    key: 'A',
  })
  expect(String(at(0).value)).toBe('no JSON')
  expect([at(1).value!.length, headersOf(at(1))['reason'], headersOf(at(1))['key']]).toEqual([
    0,
    'syntax',
    undefined,
  ])
  expect(headersOf(at(2))['reason']).toBe('type')
  expect([at(3).value, headersOf(at(3))['reason']]).toEqual([packed, 'field'])
  expect([at(4).value, headersOf(at(4))['reason']]).toEqual([long, 'size'])

  await gateway.stop()
  const again = await start()
  await until(again, 'written', 5)
  const keys = (await readLetters()).map(({ key }) => String(key))
  expect([keys.length, new Set(keys).size]).toEqual([10, 5])
})

test('what is longer than the topic takes is counted, and keeps nothing else back', async () => {
  await ensureTopics(brokers, [deadLetters], { settings: { 'max.message.bytes': '5000' } })
  await produce([
    { key: 'A', value: 'short' },
    { key: 'B', value: 'x'.repeat(9000) },
    { key: 'C', value: 'short' },
  ])
  const gateway = await start()
  await until(gateway, 'written', 2)
  await until(gateway, 'refused', 1)
  expect((await readLetters()).map(({ value }) => String(value))).toEqual(['short', 'short'])
})

test('without the topic the gateway stays up, counts and says so; made later, it is written to', async () => {
  await produce([{ key: 'A', value: 'no JSON' }])
  const gateway = await start()
  await until(gateway, 'failed', 1)
  expect(gateway.logLines.join('')).toContain(`the topic ${deadLetters} does not exist`)
  expect((await fetch(`${gateway.operationsUrl}/readyz`)).status).toBe(200)
  await ensureTopics(brokers, [deadLetters])
  await produce([{ key: 'B', value: 'no JSON' }])
  await until(gateway, 'written', 1)
})

test('with several feeds a poison record is copied and logged once, though each of them counts it', async () => {
  await ensureTopics(brokers, [deadLetters], { partitions: 1 })
  const gateway = await start({ TICKER_FEEDS: 'live,second' })
  await produce([{ key: 'A', value: 'no JSON' }])
  await until(gateway, 'written', 1)
  const countOf = (feed: string) => () =>
    gateway.metric(`ticker_poison_records_total{feed="${feed}",reason="syntax"}`)
  await expect.poll(countOf('live')).toBe(1)
  await expect.poll(countOf('second')).toBe(1)
  await gateway.stop()
  expect(await readLetters()).toHaveLength(1)
  expect(gateway.logLines.filter(line => line.includes('poison record passed over'))).toHaveLength(1)
})
