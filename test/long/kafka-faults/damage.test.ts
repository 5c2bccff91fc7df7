import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { damageSegment } from './damaged-segment.ts'
import { type ProxiedCluster, startProxiedCluster } from './gateway-listener.ts'
import { numbersFrom } from './odd-records.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { report, Scenario } from './scenario.ts'

const damagedBatches = 5
const unreadMs = 4000
/** Trades that may be under way to the gateway when its network is cut: a second of them. */
const underWay = 200

let cluster: ProxiedCluster
let scenario: Scenario | undefined

beforeAll(async () => {
  cluster = await startProxiedCluster(1)
})
afterEach(async () => {
  await scenario?.stop()
  scenario = undefined
})
afterAll(() => cluster.stop())

test('passes over batches that a disk has damaged, and counts each of their offsets', async () => {
  const { brokers, gatewayBrokers, proxies } = cluster
  scenario = await Scenario.start({ brokers, gatewayBrokers, create: { partitions: 1 } })
  const { subscriber, gateway, topics, producer } = scenario
  proxies[0]!.freeze()
  await pause(unreadMs)
  const broker = cluster.nodes[0]!
  await broker.shutDown()
  const from = subscriber.numbers.length + underWay
  const damaged = await damageSegment(broker, { topic: topics.trades, from, batches: damagedBatches })
  await broker.restart()
  proxies[0]!.resume()
  await scenario.arrivals(1000)
  const produced = await producer.stop()
  // One partition and one producer: the number of a trade is its offset.
  const gone = new Set(damaged.flatMap(([first, end]) => numbersFrom(first, end - first)))
  await waitUntil(() => subscriber.numbers.length >= produced - gone.size, 'the last trades')
  const missed = (await gateway.metric('ticker_missed_offsets_total{feed="live"}')) ?? 0
  const corrupt = (await gateway.metric('ticker_log_total{kind="corruptBatches"}')) ?? 0
  report('batches damaged on the disk', {
    produced,
    received: subscriber.numbers.length,
    'batches damaged': damaged.length,
    'corrupt batches': corrupt,
    'missed offsets': missed,
  })
  expect(damaged).toHaveLength(damagedBatches)
  expect(subscriber.numbers).toEqual(numbersFrom(0, produced).filter(number => !gone.has(number)))
  expect({ corrupt, missed }).toEqual({ corrupt: damagedBatches, missed: gone.size })
  expect(gateway.logLines.join('')).toContain('passed over a batch')
  expect(Object.keys(Object.fromEntries(scenario.readiness))).toEqual(['200'])
})
