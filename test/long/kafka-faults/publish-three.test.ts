import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type KafkaBroker, startKafkaCluster } from '../../support/kafka.ts'
import { withAdmin } from '../../support/topics.ts'
import { faultless } from './publish-account.ts'
import { PublishRun } from './publish-run.ts'
import { report } from './scenario.ts'

const outageMs = 20_000
const lines = 10_000
const ratePerS = 400
const create = { partitions: 6, replicas: 3, settings: { 'min.insync.replicas': '2' } }

let nodes: readonly KafkaBroker[]
let runs: readonly PublishRun[] = []

beforeAll(async () => {
  nodes = await startKafkaCluster({ brokers: 3 })
}, 240_000)
afterEach(async () => {
  await Promise.all(runs.map(run => run.stop()))
})
afterAll(async () => {
  await Promise.all(nodes.map(node => node.stop()))
})

test('the publish command outlasts the SIGKILL of a leader, from a file and from a pipe', async () => {
  const brokers = nodes.map(node => node.brokers).join(',')
  const options = { brokers, create, lines, ratePerS }
  const [file, pipe] = [await PublishRun.prepare(options), await PublishRun.prepare(options)]
  runs = [file, pipe]
  file.startFile()
  pipe.startPipe()
  await Promise.all([file.arrivals(1000), pipe.arrivals(1000)])
  const victim = nodes[(await leaderOf(brokers, file.topics.trades)) - 1]!
  await victim.kill()
  await pause(outageMs)
  await victim.restart()
  for (const [name, run] of Object.entries({ file, pipe })) {
    const account = await run.ended()
    const { verdict, truth } = await run.check()
    report(`publish command, three brokers, a leader ended by SIGKILL, ${name}`, {
      published: account.published,
      'not acknowledged': account.missingCount,
      'exit code': account.exitCode,
      records: truth.length,
    })
    expect(account).toMatchObject({ exitCode: 0, published: lines, missing: [], goOnFrom: undefined })
    expect(verdict).toEqual(faultless)
    expect(truth.length).toBe(lines)
  }
})

/** The broker that leads a topic's first partition. */
async function leaderOf(brokers: string, topic: string): Promise<number> {
  const { topics } = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [topic] }))
  return topics[0]!.partitions.find(({ partitionId }) => partitionId === 0)!.leader
}
