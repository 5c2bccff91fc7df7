import { expect, test } from 'vitest'
import { FaultReporter } from '../../../src/log/kafka/fault-reporter.ts'
import { PartitionCursor } from '../../../src/log/kafka/consume/partition-cursor.ts'
import { SilentPartitions } from '../../../src/log/kafka/consume/silent-partitions.ts'

const forbidden = 29
const [trades, quotes] = ['trades', 'quotes'].map(topic => ({ topic, partition: 0 })) as [
  { topic: string; partition: number },
  { topic: string; partition: number },
]

test('what goes wrong is in trouble until it is put right, each reason once', () => {
  const reporter = new FaultReporter({ warn: () => undefined })
  expect(reporter.trouble).toBeUndefined()
  for (const peer of ['cluster', 'node 1']) reporter.connectionFailed(new Error('no password'), peer)
  for (const partition of [trades, quotes]) reporter.refused(partition, forbidden)
  reporter.topicMissing('news', 3)
  expect(reporter.trouble).toBe(
    'no password; trades/0, quotes/0: cannot read: Kafka answered TOPIC_AUTHORIZATION_FAILED; the user needs the ACLs Read and Describe on it',
  )
  for (const peer of ['cluster', 'node 1']) reporter.reached(peer)
  for (const partition of [trades, quotes]) reporter.readable(partition)
  expect(reporter.trouble).toBeUndefined()
})

test('a partition is silent when no broker has answered for it for a while, whatever comes of others', () => {
  let nowMs = 0
  const silent = new SilentPartitions(() => nowMs)
  const reporter = new FaultReporter({ warn: () => undefined })
  const [one, other] = [trades, quotes].map(partition => {
    return new PartitionCursor({ partition, epoch: 'e', start: 0, isStartTold: false, reporter })
  }) as [PartitionCursor, PartitionCursor]
  silent.follow(one)
  silent.follow(other)
  nowMs = 4000
  silent.heard(one)
  expect(silent.sinceMs).toBeUndefined()
  nowMs = 6000
  silent.heard(one)
  expect(silent.sinceMs).toBe(0)
  silent.heard(other)
  expect(silent.sinceMs).toBeUndefined()
  nowMs = 20_000
  silent.leave(one)
  silent.leave(other)
  expect(silent.sinceMs).toBeUndefined()
})
