import { expect, test } from 'vitest'
import { PartitionCursor } from '../../../../src/log/kafka/consume/partition-cursor.ts'
import { SilentPartitions } from '../../../../src/log/kafka/consume/silent-partitions.ts'
import { FaultReporter } from '../../../../src/log/kafka/fault-reporter.ts'
import { TestClock } from '../../../support/test-clock.ts'

function cursorOf(topic: string): PartitionCursor {
  const reporter = new FaultReporter({ warn: () => undefined })
  return new PartitionCursor({
    partition: { topic, partition: 0 },
    epoch: 'e',
    start: 0,
    announcesStart: false,
    reporter,
  })
}

test('a partition is silent when no broker has answered for it for a while, whatever comes of others', () => {
  const clock = new TestClock()
  const startMs = clock.steady()
  const silent = new SilentPartitions(clock)
  const [one, other] = [cursorOf('trades'), cursorOf('quotes')]
  silent.follow(one)
  silent.follow(other)
  clock.pass(4000)
  silent.answered(one)
  expect(silent.sinceMs).toBeUndefined()
  clock.pass(2000)
  silent.answered(one)
  expect(silent.sinceMs).toBe(startMs)
  silent.answered(other)
  expect(silent.sinceMs).toBeUndefined()
  clock.pass(14_000)
  silent.unfollow(one)
  silent.unfollow(other)
  expect(silent.sinceMs).toBeUndefined()
})
