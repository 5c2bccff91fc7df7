import { expect, test } from 'vitest'
import { FaultReporter } from '../../../src/log/kafka/fault-reporter.ts'

const forbidden = 29
const [trades, quotes] = ['trades', 'quotes'].map(topic => ({ topic, partition: 0 })) as [
  { topic: string; partition: number },
  { topic: string; partition: number },
]

test('lasting faults are reported until they are cleared, each reason once', () => {
  const reporter = new FaultReporter({ warn: () => undefined })
  expect(reporter.trouble).toBeUndefined()
  for (const peer of ['cluster', 'broker 1']) reporter.connectionFailed(new Error('no password'), peer)
  for (const partition of [trades, quotes]) reporter.refused(partition, forbidden)
  reporter.topicMissing('news', 3)
  expect(reporter.trouble).toBe(
    'no password; trades/0, quotes/0: cannot read: Kafka answered TOPIC_AUTHORIZATION_FAILED; the user needs the ACLs Read and Describe on it',
  )
  for (const peer of ['cluster', 'broker 1']) reporter.reached(peer)
  for (const partition of [trades, quotes]) reporter.readable(partition)
  expect(reporter.trouble).toBeUndefined()
})
