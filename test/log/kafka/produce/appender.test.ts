import { afterEach, beforeEach, expect, test } from 'vitest'
import type {
  BatchProducer,
  KafkaClient,
  OutgoingBatch,
} from '../../../../src/log/kafka/connection/broker-connection.ts'
import { KafkaError } from '../../../../src/log/kafka/kafka-error.ts'
import { KafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import { KafkajsClient } from '../../../../src/log/kafka/connection/kafkajs-client.ts'
import { newSymbol, sampleNews, sampleTrade, sampleTrades } from '../../conformance/sample-event.ts'
import { FakeCluster } from '../fake-cluster.ts'
import { numbers, until } from '../reading.ts'

const topics = { trades: 'trades', quotes: 'quotes', bars: 'bars', statuses: 'statuses', news: 'news' }
const logger = { warn: () => {} }

let cluster: FakeCluster
let log: KafkaLog
let producers: FakeProducer[]

/** Takes batches; `outcomes` says what becomes of the next ones, and then all succeed. */
class FakeProducer implements BatchProducer {
  readonly batches: OutgoingBatch[] = []
  readonly outcomes: (() => Promise<void> | void)[] = []
  isClosed = false
  #next = 0

  async send(batch: OutgoingBatch): Promise<number> {
    this.batches.push(batch)
    await this.outcomes.shift()?.()
    const first = this.#next
    this.#next += batch.messages.length
    return first
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

beforeEach(async () => {
  cluster = await FakeCluster.start(1)
  cluster.create('trades', [0])
  cluster.create('news', [0])
  producers = []
})

afterEach(async () => {
  await log.close()
  await cluster.stop()
})

function open(appendTimeoutMs: number, prepare: (producer: FakeProducer) => void = () => {}): void {
  const access = { brokers: cluster.brokers, clientId: 'test' }
  const kafkajs = new KafkajsClient(access)
  const client: KafkaClient = {
    connect: address => kafkajs.connect(address),
    createProducer: async () => {
      const producer = new FakeProducer()
      prepare(producer)
      producers.push(producer)
      return producer
    },
  }
  log = new KafkaLog({ ...access, topics, logger, appendTimeoutMs }, client)
}

async function append(...events: Parameters<KafkaLog['append']>[0]) {
  const results = await log.append(events)
  return results.map(result => ('error' in result ? result.error.message : result.position.offset))
}

const fail = (severity: 'retriable' | 'fatal') => () => {
  throw new KafkaError(`it was ${severity}`, { severity })
}

test('sends an event that comes alone at once, and what comes meanwhile in one batch, in order', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  open(5000, producer => producer.outcomes.push(() => promise))
  const symbol = newSymbol()
  const first = append(sampleTrade(symbol, 0))
  await until(() => producers[0]?.batches.length === 1)
  const others = numbers(1, 50).map(number => append(sampleTrade(symbol, number)))
  await log.ends({ topic: 'trades', partition: 0 })
  resolve()
  expect([await first, ...(await Promise.all(others))].flat()).toEqual(numbers(0, 50))
  expect(producers[0]!.batches.map(({ messages }) => messages.length)).toEqual([1, 49])
})

test('sends at most 2,000 messages and 768 KiB in one batch', async () => {
  open(5000)
  expect(await append(...sampleTrades(newSymbol(), 5000))).toEqual(numbers(0, 5000))
  expect(producers[0]!.batches.map(({ messages }) => messages.length)).toEqual([2000, 2000, 1000])
  await append(...numbers(0, 7).map(number => sampleNews(number, 'x'.repeat(300_000))))
  expect(producers[1]!.batches.map(({ messages }) => messages.length)).toEqual([2, 2, 2, 1])
})

test('sends a batch again with the same producer, which makes that harmless', async () => {
  open(20_000, producer => producer.outcomes.push(fail('retriable'), fail('retriable')))
  expect(await append(sampleTrade(newSymbol(), 0))).toEqual([0])
  expect(producers).toHaveLength(1)
  expect(producers[0]!.batches).toHaveLength(3)
  expect(log.stats.appendRetries).toBe(2)
})

test('takes a new producer after a failure that is final', async () => {
  open(5000, producer => {
    if (producers.length === 0) producer.outcomes.push(fail('fatal'))
  })
  expect(await append(sampleTrade('A', 0), sampleTrade('A', 1))).toEqual(['it was fatal', 'it was fatal'])
  expect(await append(sampleTrade('A', 2))).toEqual([0])
  expect(producers.map(({ isClosed }) => isClosed)).toEqual([true, false])
  expect([log.stats.failedEvents, log.stats.appendedEvents]).toEqual([2, 1])
})

test('answers in time when nothing succeeds, also those that waited behind others', async () => {
  open(600, producer => producer.outcomes.push(...numbers(0, 99).map(() => fail('retriable'))))
  const startedAt = performance.now()
  const results = await append(...sampleTrades(newSymbol(), 6000))
  expect(performance.now() - startedAt).toBeLessThan(3000)
  expect(new Set(results)).toEqual(new Set(['it was retriable', 'trades/0: waited in vain behind others']))
})

test('harms no other topic by one that is missing', async () => {
  open(5000)
  cluster.topics.delete('news')
  const results = await append(sampleNews(1, ''), sampleTrade('A', 0))
  expect(results).toEqual(['the topic news does not exist or cannot be reached', 0])
  cluster.create('news', [0])
  expect(await append(sampleNews(1, ''))).toEqual([0])
})

test('refuses what would wait in too large a heap', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  open(5000, producer => producer.outcomes.push(() => promise))
  const content = 'x'.repeat(1_000_000)
  const accepted = append(...numbers(0, 60).map(number => sampleNews(number, content)))
  await until(() => producers[0]?.batches.length === 1)
  const refused = await append(...numbers(0, 10).map(number => sampleNews(number, content)))
  expect(refused[9]).toMatch(/^\d+ bytes wait to be appended: try again later$/)
  resolve()
  expect(await accepted).toEqual(numbers(0, 60))
})

test('ends what is being appended before it closes, and takes nothing afterwards', async () => {
  open(5000)
  const appending = append(sampleTrade('A', 0))
  await log.close()
  expect(await appending).toEqual([0])
  expect(producers[0]!.isClosed).toBe(true)
  expect(await append(sampleTrade('A', 1))).toEqual(['the log was closed'])
  expect(await append()).toEqual([])
})
