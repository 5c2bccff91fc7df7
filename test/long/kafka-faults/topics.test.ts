import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { freePort } from '../../support/port.ts'
import { createTopics, ensureTopics, removeTopics, withAdmin } from '../../support/topics.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { Scenario, sound, symbols } from './scenario.ts'

let broker: KafkaBroker
let scenario: Scenario | undefined

beforeAll(async () => {
  broker = await startKafka()
})
afterEach(async () => {
  await scenario?.stop()
  scenario = undefined
})
afterAll(() => broker.stop())

test('waits for a topic that is missing at the start, and says which', async () => {
  const { brokers } = broker
  const topics = await createTopics(brokers)
  await removeTopics(brokers, [topics.trades])
  const port = await freePort()
  let createdAt = 0
  const meanwhile = async () => {
    const reason = `topics that do not exist: ${topics.trades}`
    await waitUntil(async () => (await readinessAt(port)).includes(reason), reason)
    createdAt = performance.now()
    await ensureTopics(brokers, [topics.trades])
  }
  scenario = await Scenario.start({ brokers, topics, env: { TICKER_OPS_PORT: String(port) }, meanwhile })
  const readyAfterMs = Math.round(scenario.subscriber.openedAtMs - createdAt)
  const { outcome } = await scenario.check()
  scenario.report('topic created after the start', outcome, { 'subscribed after ms': readyAfterMs })
  expect(outcome).toEqual(sound)
})

test('reads partitions that are added under load from their first offset', async () => {
  const { brokers } = broker
  scenario = await Scenario.start({ brokers })
  const topic = scenario.topics.trades
  await withAdmin(brokers, admin => admin.createPartitions({ topicPartitions: [{ topic, count: 8 }] }))
  scenario.producer.partitions = 8
  await scenario.producer.publish(2000)
  const { outcome, truth } = await scenario.check()
  const inNew = truth.filter(({ partition }) => partition >= 4).length
  scenario.report('four partitions added', outcome, {
    'in the new ones': inNew,
    'split items': (await scenario.gateway.metric('ticker_split_items_total{feed="live"}')) ?? 0,
  })
  expect(inNew).toBeGreaterThan(0)
  expect(outcome).toEqual(sound)
})

test('reads a topic that is deleted and recreated under load from its start', async () => {
  const { brokers } = broker
  scenario = await Scenario.start({ brokers })
  const topic = scenario.topics.trades
  await removeTopics(brokers, [topic])
  const goneAt = performance.now()
  await ensureTopics(brokers, [topic])
  await scenario.arrivals(1000)
  const { outcome, truth } = await scenario.check()
  const { numbers } = scenario.subscriber
  const partitionOf = (number: number) => (number % symbols.length) % 4
  const firsts = [0, 1, 2, 3].map(partition =>
    Math.min(...truth.filter(each => each.partition === partition).map(({ number }) => number)),
  )
  const ofFormer = numbers.filter(number => number < firsts[partitionOf(number)]!).length
  scenario.report('topic deleted and recreated', outcome, {
    'of the former topic': ofFormer,
    'first event after ms': scenario.subscriber.firstAfterMs(goneAt),
  })
  // What came of the former topic is no longer in Kafka; nothing else is foreign to the new one.
  const { missingInKafka } = outcome
  expect(outcome).toEqual({ ...sound, missingInKafka, invented: ofFormer })
  expect(missingInKafka).toBeGreaterThanOrEqual(ofFormer)
  expect(scenario.gateway.logLines.join('')).toContain('the topic was recreated')
})

/** What `/readyz` says; nothing while nobody listens. */
async function readinessAt(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
  return (await answer?.text()) ?? ''
}
