import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppendResult, Partition } from '../../../src/log/event-log.ts'
import { type KafkaBroker, startKafka } from '../../support/kafka.ts'
import { sampleTrade } from '../conformance/sample-event.ts'
import { openKafkaLog, type OpenedKafkaLog } from './open-kafka-log.ts'

const symbols = ['A', 'B', 'C', 'D', 'E', 'F']

let broker: KafkaBroker
let opened: OpenedKafkaLog

beforeAll(async () => {
  broker = await startKafka()
  opened = await openKafkaLog(broker.brokers, { appendTimeoutMs: 90_000 })
})

afterAll(async () => {
  await opened.log.close()
  await broker.stop()
})

test('loses, repeats and reorders nothing while a broker is killed and comes back', async () => {
  const { log } = opened
  const ending = new AbortController()
  const read: { event: unknown; partition: Partition; offset: number }[] = []
  const reading = (async () => {
    for await (const batches of log.tail([], ending.signal)) {
      for (const { partition, records } of batches) {
        for (const { offset, value } of records)
          read.push({ event: JSON.parse(String(value)), partition, offset })
      }
    }
  })()
  const results: Promise<readonly AppendResult[]>[] = []
  const appending = setInterval(() => {
    results.push(log.append(symbols.map(symbol => sampleTrade(symbol, results.length))))
  }, 5)
  await broker.kill()
  await broker.restart()
  clearInterval(appending)
  const positions = (await Promise.all(results)).flat().map(result => {
    if ('error' in result) throw result.error
    return result.position
  })
  expect(positions.length).toBeGreaterThan(1000)
  await expect.poll(() => read.length).toBe(positions.length)
  for (const [index, symbol] of symbols.entries()) {
    const expected = results.map((_, number) => {
      const { partition, offset } = positions[number * symbols.length + index]!
      return { event: sampleTrade(symbol, number), partition, offset }
    })
    expect(read.filter(({ event }) => Object(event).S === symbol)).toEqual(expected)
  }
  ending.abort()
  await reading
})
