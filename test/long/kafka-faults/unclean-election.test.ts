import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Producer } from 'kafkajs'
import type { Topics } from '../../../src/log/topics.ts'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { createTopics, kafkaVariables, withAdmin } from '../../support/topics.ts'
import { type ProxiedCluster, startProxiedCluster } from './gateway-listener.ts'
import { numbersFrom } from './odd-records.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { report } from './scenario.ts'
import { Subscriber } from './subscriber.ts'
import { patientKafka } from './trade-producer.ts'

/** What both replicas have, and what the one has that ends last. */
const kept = 1000
const cut = 600

let cluster: ProxiedCluster
let topics: Topics
let gateway: TestGateway
let subscriber: Subscriber
let producer: Producer

beforeAll(async () => {
  cluster = await startProxiedCluster(3)
}, 240_000)
afterAll(() => cluster.stop())

beforeEach(async () => {
  const settings = { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' }
  topics = await createTopics(cluster.brokers, { partitions: 1, replicas: 2, settings })
  gateway = await startTestGateway(kafkaVariables(cluster.gatewayBrokers, topics))
  subscriber = await Subscriber.open(gateway)
  // Not idempotent: kafkajs does not outlast that its producer's last sequence numbers are gone.
  producer = patientKafka(cluster.brokers).producer({ allowAutoTopicCreation: false })
  await producer.connect()
})
afterEach(async () => {
  await producer.disconnect()
  await subscriber.close()
  await gateway.stop()
})

test('goes on from the new end when the log is cut back behind it, and says so', async () => {
  const { former, next } = await cutBack()
  await nodeOf(next).restart()
  await isLedBy(next)
  await waitUntil(async () => (await truncations()) > 0, 'the cut to be noticed')
  await publish(10_000, 300)
  await waitUntil(() => subscriber.numbers.length >= kept + cut + 300, 'the new trades')
  await finish('unclean election, noticed at once', former)
  expect(subscriber.numbers).toEqual([...numbersFrom(0, kept + cut), ...numbersFrom(10_000, 300)])
})

test('notices that the log was cut back though it has grown beyond its position again', async () => {
  const { former, next } = await cutBack()
  cluster.proxies[next - 1]!.freeze()
  await nodeOf(next).restart()
  await isLedBy(next)
  await publish(10_000, 2 * cut)
  cluster.proxies[next - 1]!.resume()
  await publish(20_000, 100)
  await waitUntil(() => subscriber.numbers.at(-1) === 20_099, 'the last trade')
  await finish('unclean election, grown again', former)
  expect(subscriber.numbers).toEqual([
    ...numbersFrom(0, kept + cut),
    ...numbersFrom(10_000, 2 * cut),
    ...numbersFrom(20_000, 100),
  ])
})

/** Leaves the partition with nobody to lead it but a replica that lacks the last trades, and is down. */
async function cutBack(): Promise<{ readonly former: number; readonly next: number }> {
  await publish(0, kept)
  const { leader: former, replicas } = await partition()
  const next = replicas.find(id => id !== former)!
  await waitUntil(async () => (await partition()).isr.length === 2, 'both replicas')
  await nodeOf(next).kill()
  await waitUntil(async () => (await partition()).isr.length === 1, 'the follower to be given up')
  await publish(kept, cut)
  await waitUntil(() => subscriber.numbers.length === kept + cut, 'what will be cut off')
  await nodeOf(former).kill()
  return { former, next }
}

/** Brings the former leader back and reports. */
async function finish(name: string, former: number): Promise<void> {
  await nodeOf(former).restart()
  await waitUntil(async () => (await partition()).isr.length === 2, 'both replicas again')
  report(name, {
    events: subscriber.numbers.length,
    'cut off': cut,
    positionsTruncated: await truncations(),
    'logged as': gateway.logLines.join('').match(/the log was cut back by \d+ offsets/)?.[0] ?? 'nothing',
    received: ranges(subscriber.numbers),
  })
  expect(await truncations()).toBe(1)
  expect(gateway.logLines.join('')).toContain(`the log was cut back by ${cut} offsets`)
  expect(subscriber.others).toEqual([])
}

/** Numbers as intervals. */
function ranges(numbers: readonly number[]): string {
  const starts = numbers.filter((number, index) => numbers[index - 1] !== number - 1)
  const ends = numbers.filter((number, index) => numbers[index + 1] !== number + 1)
  return starts.map((start, index) => `${start}..${ends[index]}`).join(' ')
}

async function publish(first: number, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 100) {
    const messages = numbersFrom(first + sent, Math.min(100, count - sent)).map(number => ({
      key: 'UNCLEAN',
      value: JSON.stringify(sampleTrade('UNCLEAN', number)),
    }))
    await producer.send({ topic: topics.trades, messages, acks: -1 })
  }
}

async function truncations(): Promise<number> {
  return (await gateway.metric('ticker_log_total{kind="positionsTruncated"}')) ?? 0
}

async function isLedBy(id: number): Promise<void> {
  await waitUntil(async () => (await partition()).leader === id, `node ${id} to lead`)
}

async function partition() {
  const described = await withAdmin(cluster.brokers, admin =>
    admin.fetchTopicMetadata({ topics: [topics.trades] }),
  )
  return described.topics[0]!.partitions[0]!
}

function nodeOf(id: number) {
  return cluster.nodes[id - 1]!
}
