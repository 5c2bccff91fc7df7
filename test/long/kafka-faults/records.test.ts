import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import type { LogBatch } from '../../../src/log/event-log.ts'
import { encodeBatch } from '../../log/kafka/batch-encoder.ts'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import { createTopics, withAdmin } from '../../support/topics.ts'
import { type ProxiedCluster, startProxiedCluster } from './gateway-listener.ts'
import { batchRecords, garbage, largeBatch, numbersFrom } from './odd-records.ts'
import { produceBatch } from './produce-batch.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { report, Scenario, sound } from './scenario.ts'
import { patientKafka, TradeProducer } from './trade-producer.ts'
import { readTruth } from './truth.ts'

/** Kafka takes no smaller segments. */
const segmentBytes = 1024 * 1024

let cluster: ProxiedCluster
let scenario: Scenario | undefined

beforeAll(async () => {
  cluster = await startProxiedCluster(1, {
    'log.retention.check.interval.ms': 500,
    'log.segment.delete.delay.ms': 500,
    'log.cleaner.backoff.ms': 200,
  })
})
afterEach(async () => {
  await scenario?.stop()
  scenario = undefined
})
afterAll(() => cluster.stop())

test('counts exactly what retention took from a reader that stood still', async () => {
  const { brokers, gatewayBrokers, proxies } = cluster
  const settings = { 'segment.bytes': String(segmentBytes), 'retention.bytes': String(segmentBytes) }
  scenario = await Scenario.start({ brokers, gatewayBrokers, create: { partitions: 1, settings } })
  const { subscriber, gateway, topics } = scenario
  proxies[0]!.freeze()
  await pause(11_000)
  const position = subscriber.numbers.length
  await fill(topics.trades, 30_000)
  await waitUntil(async () => (await firstOffset(topics.trades)) > position + 5000, 'retention')
  proxies[0]!.resume()
  await scenario.arrivals(1000)
  const produced = await scenario.producer.stop()
  const end = await endOffset(topics.trades)
  const missed = async () => (await gateway.metric('ticker_missed_offsets_total{feed="live"}')) ?? 0
  await waitUntil(async () => subscriber.numbers.length + (await missed()) >= end, 'the end')
  const { outcome } = await scenario.check()
  scenario.report('retention overtook a paused reader', outcome, { produced, end, missed: await missed() })
  // Each offset was received or counted.
  expect(subscriber.numbers.length + (await missed())).toBe(end)
  expect(await missed()).toBeGreaterThan(5000)
  expect({ lost: outcome.lost, twice: outcome.twice, notReady: outcome.notReady }).toEqual({
    lost: 0,
    twice: 0,
    notReady: 0,
  })
  expect(gateway.logLines.join('')).toContain('offsets were gone before they were read')
})

test('reads a batch of 200,000 records, plain and compressed, amid others', async () => {
  const { brokers } = cluster
  const settings = { 'max.message.bytes': String(64 * segmentBytes) }
  const firsts = [1_000_000, 2_000_000]
  // Before the gateway runs, whose loop this would hold up.
  const batches = firsts.map((first, codec) => encodeBatch({ ...largeBatch(first), codec }))
  scenario = await Scenario.start({ brokers, create: { partitions: 1, settings } })
  const { subscriber, topics, gateway } = scenario
  const target = { broker: brokers, topic: topics.trades, partition: 0 }
  const sentAt = performance.now()
  for (const batch of batches) {
    await produceBatch(target, batch)
    await scenario.arrivals(batchRecords + 200)
  }
  const tookMs = Math.round(performance.now() - sentAt)
  const produced = await scenario.producer.stop()
  const total = produced + firsts.length * batchRecords
  await waitUntil(() => subscriber.numbers.length >= total, 'the end')
  const { numbers, others } = subscriber
  const inBatch = (first: number) => numbers.filter(each => each >= first && each < first + batchRecords)
  const small = numbers.filter(each => each < firsts[0]!)
  report('two batches of 200,000 records', {
    events: numbers.length,
    'both took ms': tookMs,
    'longest gap of the loop ms': Math.round(
      1000 * ((await gateway.metric('ticker_event_loop_delay_seconds{statistic="max"}')) ?? Number.NaN),
    ),
  })
  expect(numbers.length).toBe(await endOffset(topics.trades))
  expect(others).toEqual([])
  // kafkajs' consumer does not survive such a batch: the truth is what was encoded.
  for (const first of firsts) expect(inBatch(first)).toEqual(numbersFrom(first, batchRecords))
  expect(small).toEqual(numbersFrom(0, produced))
})

test('passes garbage over and counts it, by reason', async () => {
  const { brokers } = cluster
  scenario = await Scenario.start({ brokers })
  const { topics, gateway } = scenario
  const producer = patientKafka(brokers).producer()
  await producer.connect()
  const rounds = 50
  for (let round = 0; round < rounds; round++) {
    await producer.send({ topic: topics.trades, messages: garbage() })
    await pause(20)
  }
  await producer.disconnect()
  const { outcome } = await scenario.check()
  const poison = async (reason: string) =>
    (await gateway.metric(`ticker_poison_records_total{feed="live",reason="${reason}"}`)) ?? 0
  const counts = {
    syntax: await poison('syntax'),
    type: await poison('type'),
    field: await poison('field'),
    size: await poison('size'),
    // Without a value: what deletes a key from a compacted topic.
    ignored: (await gateway.metric('ticker_records_ignored_total{feed="live"}')) ?? 0,
  }
  scenario.report('garbage among good records', outcome, counts)
  expect(outcome).toEqual(sound)
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(rounds * garbage().length)
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(0)
})

test('never shows what was aborted, and waits behind an open transaction', async () => {
  const { brokers } = cluster
  scenario = await Scenario.start({ brokers })
  const { topics, subscriber, producer: steady, gateway } = scenario
  const stalled = async () => (await gateway.metric(stalledSecondsOf(topics.trades))) ?? Number.NaN
  const producer = patientKafka(brokers).producer({
    idempotent: true,
    transactionalId: randomUUID(),
    maxInFlightRequests: 1,
    createPartitioner: () => () => 0,
  })
  await producer.connect()
  const send = async (first: number, end: 'abort' | 'commit', openMs = 0) => {
    const transaction = await producer.transaction()
    const messages = numbersFrom(first, 30).map(number => ({
      key: 'TX',
      value: JSON.stringify(sampleTrade('TX', number)),
    }))
    await transaction.send({ topic: topics.trades, messages })
    const sentAt = performance.now()
    await pause(openMs)
    const stalledS = await stalled()
    await transaction[end]()
    return { sentAt, stalledS, endedAt: performance.now() }
  }
  for (let round = 0; round < 10; round++) {
    await send(3_000_000 + 100 * round, 'abort')
    await send(4_000_000 + 100 * round, 'commit')
  }
  const open = await send(5_000_000, 'commit', 10_000)
  await steady.publish(200)
  await waitUntil(async () => (await stalled()) === 0, 'the stable offset')
  const { outcome, truth } = await scenario.check()
  await producer.disconnect()
  const ofPartition = new Set(truth.filter(({ partition }) => partition === 0).map(({ number }) => number))
  const waiting = truth.find(({ number }) => number === 5_000_000)!
  const behind = new Set(
    truth.filter(each => each.partition === 0 && each.offset >= waiting.offset).map(({ number }) => number),
  )
  const early = subscriber.numbers.filter(
    (number, index) => behind.has(number) && subscriber.arrivedAtMs[index]! < open.endedAt - 500,
  )
  scenario.report('aborted and open transactions', outcome, {
    committed: truth.filter(({ symbol }) => symbol === 'TX').length,
    aborted: 300,
    'open ms': Math.round(open.endedAt - open.sentAt),
    'stalled s by the metric': open.stalledS,
    'behind it': behind.size,
    'first of its partition after ms': subscriber.firstAfterMs(open.endedAt, number =>
      ofPartition.has(number),
    ),
  })
  expect(subscriber.numbers.filter(number => number >= 3_000_000 && number < 4_000_000)).toEqual([])
  expect(early).toEqual([])
  expect(behind.size).toBeGreaterThan(300)
  // As of the last answer of the broker, which has at most two long polls of age.
  expect(open.stalledS).toBeGreaterThan(8.5)
  expect(open.stalledS).toBeLessThan(10.5)
  expect(outcome).toEqual(sound)
})

test('reads what compaction left, and leaves what it removed out of the ranges', async () => {
  const { brokers } = cluster
  const topics = await createTopics(brokers, {
    partitions: 1,
    settings: {
      'cleanup.policy': 'compact',
      'segment.bytes': String(segmentBytes),
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
    },
  })
  const topic = topics.trades
  await fill(topic, 20_000)
  const producer = await TradeProducer.start({
    brokers,
    topic,
    symbols: ['A', 'B'],
    ratePerS: 50,
    partitions: 1,
  })
  await pause(3000)
  await producer.stop()
  let truth = await readTruth(brokers, topic)
  await waitUntil(async () => (truth = await readTruth(brokers, topic)).length < 10_000, 'compaction')
  const end = await endOffset(topic)
  const logger = { warn: () => undefined }
  const log = createKafkaLog({ brokers: [brokers], clientId: 'compacted', topics, logger })
  const batches = await readTo(log.tail([], AbortSignal.timeout(30_000)), topic, end)
  await log.close()
  const offsets = batches.flatMap(({ records }) => records.map(({ offset }) => offset))
  report('compacted topic', { offsets: end, 'left by compaction': truth.length, read: offsets.length })
  expect(offsets).toEqual(truth.map(({ offset }) => offset))
  const covered = batches.reduce((sum, { from, to }) => sum + to - from, 0)
  expect(covered).toBe(offsets.length)
  expect(batches.at(-1)?.to).toBe(end)
})

function stalledSecondsOf(topic: string): string {
  return `ticker_log_stable_offset_stalled_seconds{topic="${topic}",partition="0"}`
}

/** The batches of one topic up to an offset. */
async function readTo(
  tail: AsyncIterable<readonly LogBatch[]>,
  topic: string,
  end: number,
): Promise<LogBatch[]> {
  const batches: LogBatch[] = []
  for await (const some of tail) {
    batches.push(...some.filter(({ partition }) => partition.topic === topic))
    if ((batches.at(-1)?.to ?? 0) >= end) break
  }
  return batches
}

/** Many trades of one symbol, quickly. */
async function fill(topic: string, count: number): Promise<void> {
  const producer = patientKafka(cluster.brokers).producer()
  await producer.connect()
  for (let sent = 0; sent < count; sent += 1000) {
    const messages = numbersFrom(10_000_000 + sent, 1000).map(number => ({
      key: 'FILL',
      value: JSON.stringify(sampleTrade('FILL', number)),
    }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}

async function firstOffset(topic: string): Promise<number> {
  const [offsets] = await withAdmin(cluster.brokers, admin => admin.fetchTopicOffsets(topic))
  return Number(offsets?.low)
}

async function endOffset(topic: string): Promise<number> {
  const [offsets] = await withAdmin(cluster.brokers, admin => admin.fetchTopicOffsets(topic))
  return Number(offsets?.high)
}
