import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createKafkaLog, type KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import type { KafkaBroker } from '../../support/kafka.ts'
import { withAdmin } from '../../support/topics.ts'
import { Appends, appendTo, summary } from './appends.ts'
import { type ProxiedCluster, startProxiedCluster } from './gateway-listener.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { type Outcome, Scenario, sound, symbols } from './scenario.ts'

const outageMs = 20_000
const frozenMs = 15_000
const ids = [1, 2, 3]
const partitionCount = 6

let cluster: ProxiedCluster
let scenario: Scenario
let appends: Appends
let log: KafkaLog

beforeAll(async () => {
  cluster = await startProxiedCluster(ids.length)
}, 240_000)
afterAll(() => cluster.stop())

beforeEach(async () => {
  const create = { partitions: partitionCount, replicas: 3, settings: { 'min.insync.replicas': '2' } }
  const { brokers, gatewayBrokers } = cluster
  scenario = await Scenario.start({ brokers, gatewayBrokers, create })
  log = createKafkaLog({
    brokers: brokers.split(','),
    clientId: 'appends',
    topics: scenario.topics,
    logger: { warn: () => undefined },
  })
  appends = new Appends(appendTo(log))
})
afterEach(async () => {
  await appends.stop()
  await log.close()
  await scenario.stop()
})

test('outlasts the SIGKILL of a leader under load', async () => {
  const before = await leaders()
  const victim = before[0]!
  await brokerOf(victim).kill()
  const killedAt = performance.now()
  await pause(outageMs)
  await brokerOf(victim).restart()
  await scenario.arrivals(400)
  const isOfVictim = (number: number) => before[partitionOf(number) ?? -1] === victim
  const outcome = await checkAndReport('three brokers, a leader ended by SIGKILL for 20 s', {
    'next event ms': scenario.subscriber.firstAfterMs(killedAt),
    'of its partitions ms': scenario.subscriber.firstAfterMs(killedAt, isOfVictim),
  })
  expect(outcome).toEqual(sound)
})

test('outlasts the orderly restart of each broker in turn', async () => {
  for (const each of cluster.nodes) {
    await each.restart()
    await inSync()
  }
  await scenario.arrivals(400)
  const outcome = await checkAndReport('three brokers, each restarted in turn')
  expect(outcome).toEqual(sound)
})

test('follows leaders that are moved, three times', async () => {
  let moved = 0
  for (let round = 0; round < 3; round++) {
    const before = await leaders()
    await moveLeaders(before)
    const after = await leaders()
    moved += after.filter((leader, partition) => leader !== before[partition]).length
    await scenario.arrivals(400)
  }
  expect(moved).toBe(18)
  const outcome = await checkAndReport('three brokers, leaders moved', { moved })
  expect(outcome).toEqual(sound)
})

test('outlasts a broker that only the gateway cannot reach', async () => {
  const lead = await leaders()
  const victim = lead[0]!
  const proxy = cluster.proxies[victim - 1]!
  const isOfVictim = (number: number) => lead[partitionOf(number) ?? -1] === victim
  proxy.freeze()
  await pause(frozenMs)
  const { numbers, arrivedAtMs } = scenario.subscriber
  const backAt = performance.now()
  const frozenSince = backAt - frozenMs
  const meanwhile = numbers.filter((_, index) => arrivedAtMs[index]! > frozenSince)
  proxy.resume()
  await scenario.arrivals(400)
  const outcome = await checkAndReport('three brokers, one cut off from the gateway for 15 s', {
    'from the others meanwhile': meanwhile.filter(number => !isOfVictim(number)).length,
    'from it meanwhile': meanwhile.filter(isOfVictim).length,
    'first from it after ms': scenario.subscriber.firstAfterMs(backAt, isOfVictim),
  })
  expect(outcome).toEqual(sound)
})

async function checkAndReport(
  name: string,
  figures: Readonly<Record<string, number | string>> = {},
): Promise<Outcome> {
  const appended = await appends.stop()
  const { outcome } = await scenario.check(appended)
  scenario.report(name, outcome, {
    ...figures,
    ...summary(appended),
    misplaced: outcome.misplaced,
  })
  return outcome
}

function brokerOf(id: number): KafkaBroker {
  return cluster.nodes[id - 1]!
}

/** The leaders of the trades' partitions, in the order of these. */
async function leaders(): Promise<number[]> {
  return (await partitions()).map(({ leader }) => leader)
}

/** Where the steady producer puts a trade; nothing is known of others. */
function partitionOf(number: number): number | undefined {
  return number < 1_000_000 ? (number % symbols.length) % partitionCount : undefined
}

async function partitions() {
  const { trades } = scenario.topics
  const { topics } = await withAdmin(cluster.brokers, admin => admin.fetchTopicMetadata({ topics: [trades] }))
  return topics[0]!.partitions.toSorted((one, other) => one.partitionId - other.partitionId)
}

/** Resolves when every partition has its three replicas again. */
async function inSync(): Promise<void> {
  const smallest = async () => Math.min(...(await partitions()).map(({ isr }) => isr.length))
  await waitUntil(async () => (await smallest()) === 3, 'three replicas in sync')
}

/**
 * Takes the replica that leads from every partition, which moves the lead, and then gives the partition its
 * third replica back.
 */
async function moveLeaders(current: readonly number[]): Promise<void> {
  await reassign(current.map(leader => ids.filter(id => id !== leader)))
  await reassign(current.map(leader => [...ids.filter(id => id !== leader), leader]))
  await inSync()
}

async function reassign(replicas: readonly (readonly number[])[]): Promise<void> {
  const topic = scenario.topics.trades
  const partitionAssignment = replicas.map((each, partition) => ({ partition, replicas: [...each] }))
  await withAdmin(cluster.brokers, admin =>
    admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] }),
  )
  const done = async () =>
    (await partitions()).every(
      ({ leader, replicas: now }, partition) =>
        now.length === replicas[partition]!.length && now.includes(leader),
    )
  await waitUntil(done, 'the reassignment')
}
