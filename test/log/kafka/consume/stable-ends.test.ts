import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createKafkaLog, type KafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import { StableEnds } from '../../../../src/log/kafka/consume/stable-ends.ts'
import { bound } from '../../conformance/reading.ts'
import { sampleRecords } from '../batch-encoder.ts'
import { FakeCluster } from '../fake-cluster.ts'
import { TailReading, until } from '../reading.ts'
import { TestClock } from '../../../support/test-clock.ts'

const partition = { topic: 'trades', partition: 0 }

describe('stable ends', () => {
  let clock: TestClock
  let ends: StableEnds
  const reader = { partition, epoch: 'one' }
  const note = (lastStableOffset: number, highWatermark: number, by = reader) =>
    ends.observe(by, { lastStableOffset, highWatermark })

  beforeEach(() => {
    clock = new TestClock()
    ends = new StableEnds(clock)
  })

  test('do not list a partition before its first answer', () => {
    expect(ends.read()).toEqual([])
  })

  test('count neither offsets nor time if everything is stable', () => {
    note(5, 5)
    clock.pass(60_000)
    note(5, 5)
    expect(ends.read()).toEqual([{ partition, offsets: 0, stalledMs: 0 }])
  })

  test('count the time since there was more than the stable end, up to the last answer', () => {
    note(5, 5)
    clock.pass(60_000)
    note(5, 6)
    clock.pass(2000)
    note(5, 9)
    clock.pass(500)
    expect(ends.read()).toEqual([{ partition, offsets: 4, stalledMs: 2000 }])
  })

  test('begin anew when the stable end moves, though it does not reach the end', () => {
    note(5, 9)
    clock.pass(2000)
    note(6, 9)
    clock.pass(300)
    note(6, 12)
    expect(ends.read()).toEqual([{ partition, offsets: 6, stalledMs: 300 }])
  })

  test('go back to zero when the transaction ends, committed or aborted', () => {
    note(5, 9)
    clock.pass(2000)
    note(10, 10)
    expect(ends.read()).toEqual([{ partition, offsets: 0, stalledMs: 0 }])
  })

  test('leave out a partition without answers, and count that time if it comes back unchanged', () => {
    note(5, 9)
    clock.pass(2000)
    ends.leave(reader)
    expect(ends.read()).toEqual([])
    clock.pass(3000)
    note(5, 11)
    expect(ends.read()).toEqual([{ partition, offsets: 6, stalledMs: 5000 }])
  })

  test('forget the former incarnation of a topic that was recreated', () => {
    note(5, 9)
    ends.leave(reader)
    clock.pass(3000)
    note(5, 9, { partition, epoch: 'another' })
    expect(ends.read()).toEqual([{ partition, offsets: 4, stalledMs: 0 }])
  })

  test('list a partition that two tails follow once, until the last of them leaves it', () => {
    const other = { ...reader }
    note(5, 9)
    note(5, 9, other)
    expect(ends.read()).toHaveLength(1)
    ends.leave(reader)
    expect(ends.read()).toHaveLength(1)
    ends.leave(other)
    expect(ends.read()).toEqual([])
  })
})

describe('the Kafka log', () => {
  const topics = { trades: 'trades', quotes: 'trades', bars: 'trades', statuses: 'trades', news: 'trades' }
  let cluster: FakeCluster
  let log: KafkaLog
  let reading: TailReading
  let clock: TestClock

  beforeEach(async () => {
    clock = new TestClock()
    cluster = await FakeCluster.start(2)
    const logger = { warn: () => {} }
    log = createKafkaLog({
      brokers: cluster.brokers,
      clientId: 'test',
      topics,
      logger,
      lookUpIntervalMs: 100,
      clock,
    })
    reading = new TailReading(log)
  })
  afterEach(async () => {
    await reading.end()
    await log.close()
    await cluster.stop()
  })

  /** A partition whose second record belongs to an open transaction, read up to it. */
  async function standStill() {
    const [stalled] = cluster.create('trades', [0])
    cluster.append(stalled!)
    stalled!.openFrom = 1
    cluster.append(stalled!, sampleRecords(4))
    await reading.until(() => reading.offsets('trades').length === 1)
    await until(() => log.unstableEnds[0]?.offsets === 4)
    return stalled!
  }

  test('knows how long a partition has stood at an open transaction, though no batch comes', async () => {
    const stalled = await standStill()
    clock.pass(61_000)
    await until(() => log.unstableEnds[0]?.stalledMs === 61_000)
    expect(log.unstableEnds).toMatchObject([{ partition, offsets: 4 }])
    stalled.openFrom = Number.POSITIVE_INFINITY
    cluster.append(stalled)
    await reading.until(() => reading.offsets('trades').length === 6)
    expect(log.unstableEnds).toMatchObject([{ partition, offsets: 0, stalledMs: 0 }])
  })

  test('leaves out a partition without a leader, and goes on counting at the next', async () => {
    const stalled = await standStill()
    cluster.move(stalled, -1)
    await until(() => log.unstableEnds.length === 0)
    clock.pass(30_000)
    cluster.move(stalled, 1)
    await until(() => log.unstableEnds.length === 1)
    expect(log.unstableEnds).toMatchObject([{ partition, offsets: 4, stalledMs: 30_000 }])
  })

  test('leaves out a deleted topic, and its former incarnation when it is recreated', async () => {
    await standStill()
    cluster.topics.delete('trades')
    await until(() => log.unstableEnds.length === 0)
    clock.pass(30_000)
    cluster.create('trades', [1])
    await until(() => log.unstableEnds.length === 1)
    expect(log.unstableEnds).toMatchObject([{ partition, offsets: 0, stalledMs: 0 }])
  })

  test('leaves out partitions that no tail follows, even if ranges read them', async () => {
    await standStill()
    await reading.end()
    expect(log.unstableEnds).toEqual([])
    await Array.fromAsync(log.range(partition, 0, 5, bound()))
    expect(log.unstableEnds).toEqual([])
  })
})
