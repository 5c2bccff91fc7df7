import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import type { Topics } from '../../../src/log/topics.ts'
import { RoamingClient } from '../resume-kills/roaming-client.ts'
import { flawless, judge, type Verdict } from '../resume-kills/verdict.ts'
import { readTruth } from '../../long/kafka-faults/truth.ts'
import { TradeProducer } from '../../long/kafka-faults/trade-producer.ts'
import { mintTestToken } from '../../support/gateway.ts'
import { Random } from '../../support/random.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../../support/topics.ts'
import { GatewayProcess } from '../../support/gateway-process.ts'

const brokers = inject('kafkaBrokers')
const symbols = Array.from({ length: 24 }, (_, index) => `SYM${index}`)
const subscribers = 40
let topics: Topics
let node: GatewayProcess
let producer: TradeProducer | undefined
const roamingClients: RoamingClient[] = []

beforeEach(async () => {
  topics = await createTopics(brokers)
  node = await GatewayProcess.start({
    ...kafkaVariables(brokers, topics),
    TICKER_WORKERS: '2',
    TICKER_HEARTBEAT_MS: '200',
    TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND: '1000',
    TICKER_SESSIONS_PER_USER_PER_SECOND: '1000',
  })
})

afterEach(async () => {
  await Promise.all(roamingClients.splice(0).map(roamingClient => roamingClient.stop()))
  await producer?.stop()
  await node?.stop()
  await deleteTopics(brokers, topics)
})

async function subscribe(index: number): Promise<RoamingClient> {
  const random = new Random(index + 1)
  const list = symbols.filter(() => random.chance(0.2))
  const options = {
    symbols: index % 4 === 0 || list.length === 0 ? ['*'] : list,
    token: await mintTestToken({ subject: `user ${index % 10}` }),
    form: index % 2 === 0 ? 'ticker.v1.json' : 'ticker.v1.tape',
    gateways: [node, node] as const,
    random,
    onAcknowledged: () => undefined,
  }
  const roamingClient = new RoamingClient(options, node)
  roamingClients.push(roamingClient)
  await roamingClient.start()
  return roamingClient
}

async function verdict(): Promise<Verdict> {
  const truth = await readTruth(brokers, topics.trades)
  const judged = (): Verdict =>
    judge(
      roamingClients.map(({ account }) => account),
      topics.trades,
      truth,
    )
  await node
    .until(() => judged().lost === 0 && judged().uncovered === 0, 'the last events')
    .catch(() => undefined)
  return judged()
}

test('a killed worker is replaced, and its subscribers get every event once', async () => {
  for (let index = 0; index < subscribers; index++) await subscribe(index)
  producer = await TradeProducer.start({ brokers, topic: topics.trades, symbols, ratePerS: 200 })
  await producer.publish(200)
  const deliveries = (await node.metric('ticker_deliveries_total{feed="live"}')) ?? 0
  expect(deliveries).toBeGreaterThan(200)
  for (const slot of [1, 2]) {
    const pid = node.workers.get(slot)!
    process.kill(pid, 'SIGKILL')
    await node.until(() => node.workers.get(slot) !== pid, 'another worker')
    // The other one serves meanwhile.
    expect(await node.isReady()).toBe(true)
    await node.until(async () => (await node.metric('ticker_workers{state="ready"}')) === 2, 'two workers')
    await node.until(() => roamingClients.every(({ isLive }) => isLive), 'every subscriber')
    await producer.publish(200)
  }
  expect(roamingClients.reduce((sum, { client }) => sum + client.resumes, 0)).toBeGreaterThanOrEqual(
    subscribers / 2,
  )
  expect(await node.metric('ticker_worker_restarts_total')).toBe(2)
  expect(await node.metric('ticker_connections{transport="websocket"}')).toBe(subscribers)
  expect(await node.metric('ticker_deliveries_total{feed="live"}')).toBeGreaterThan(deliveries)
  await producer.stop()
  expect(await verdict()).toEqual(flawless)
})

test('the counters of a node go on when a worker of it is replaced', async () => {
  await subscribe(0)
  await subscribe(1)
  producer = await TradeProducer.start({ brokers, topic: topics.trades, symbols, ratePerS: 200 })
  await producer.publish(300)
  const names = [
    'ticker_records_total{feed="live"}',
    'ticker_deliveries_total{feed="live"}',
    'ticker_delivery_latency_seconds_count{feed="live"}',
  ]
  const read = (): Promise<(number | undefined)[]> => Promise.all(names.map(name => node.metric(name)))
  const before = await read()
  process.kill(node.workers.get(1)!, 'SIGKILL')
  const seen = [before]
  const sample = async (): Promise<boolean> => {
    seen.push(await read())
    return (await node.metric('ticker_workers{state="ready"}')) === 2
  }
  await node.until(async () => (await node.metric('ticker_workers{state="waiting"}')) === 1, 'the crash')
  await node.until(sample, 'its replacement')
  seen.push(await read())
  for (const [at, name] of names.entries()) {
    const values = seen.map(each => each[at]!)
    expect([name, ...values]).toEqual([name, ...values.toSorted((a, b) => a - b)])
  }
  // Every worker reads every record; the node has read each once, but for what came between two answers of
  // workers.
  const produced = await producer.stop()
  await node.until(
    async () => (await node.metric('ticker_records_total{feed="live"}'))! >= produced,
    'the last record',
  )
  expect(await node.metric('ticker_records_total{feed="live"}')).toBeLessThan(produced + 100)
})
