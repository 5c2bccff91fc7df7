import { expect, inject, onTestFinished, test } from 'vitest'
import { createKafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { createTopics, deleteTopics } from '../../support/topics.ts'
import { newSymbol, sampleNews, sampleTrade } from '../conformance/sample-event.ts'
import { numbers, TailReading } from './reading.ts'

const brokers = inject('kafkaBrokers')

/** A log in topics that take little. */
async function openSmall() {
  const topics = await createTopics(brokers, { partitions: 1, settings: { 'max.message.bytes': '4000' } })
  const log = createKafkaLog({
    brokers: [brokers],
    clientId: 'test',
    topics,
    logger: { warn: () => undefined },
  })
  onTestFinished(async () => {
    await log.close()
    await deleteTopics(brokers, topics)
  })
  return { log, topics }
}

test('a record larger than its topic allows fails alone; the others are there once, in order', async () => {
  const { log, topics } = await openSmall()
  const startedAt = performance.now()
  const lengths = numbers(0, 60).map(number => (number % 20 === 7 ? 5000 : 100))
  const results = await log.append(lengths.map((length, number) => sampleNews(number, 'x'.repeat(length))))
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  for (const [number, result] of results.entries()) {
    if (lengths[number] === 100) expect(result).toHaveProperty('position')
    else
      expect(result).toMatchObject({
        error: { reason: 'oversize', message: expect.stringContaining('max.message.bytes') },
      })
  }
  const after = await log.append([sampleNews(60, 'x')])
  expect(after[0]).toHaveProperty('position')
  const reading = new TailReading(log)
  await reading.until(() => reading.offsets(topics.news).length >= 58)
  await reading.end()
  const ids = reading
    .of(topics.news)
    .flatMap(({ records }) => records.map(({ value }) => JSON.parse(String(value)).id))
  expect(ids).toEqual([...numbers(0, 60).filter(number => lengths[number] === 100), 60])
})

test('a batch that is too large is written in parts, completely and in order', async () => {
  const { log } = await openSmall()
  const symbol = newSymbol()
  const results = await log.append(numbers(0, 100).map(number => sampleTrade(symbol, number)))
  expect(results.map(result => Object(result).position?.offset)).toEqual(numbers(0, 100))
})
