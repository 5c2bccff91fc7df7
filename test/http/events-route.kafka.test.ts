import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { channels, type MarketEvent } from '../../src/event/event.ts'
import type { EventLog } from '../../src/log/event-log.ts'
import { recordKeyOf, type Topics, topicOf } from '../../src/log/topics.ts'
import { open } from '../commands/publish/publish-fixture.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'
import { generateTape } from '../support/tape.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { type LogPlace, readAt } from './publish/log-reading.ts'
import { post } from './publish/post.ts'

const brokers = inject('kafkaBrokers')
let topics: Topics
let gateway: TestGateway
let log: EventLog

beforeAll(async () => {
  topics = await createTopics(brokers, { partitions: 3 })
  const env = kafkaVariables(brokers, topics)
  gateway = await startTestGateway(env)
  log = open(env)
})

afterAll(async () => {
  await log?.close()
  await gateway?.stop()
  await deleteTopics(brokers, topics)
})

/** Posts events in requests of 500, four at a time, those of a key one after the other. */
async function publish(events: readonly MarketEvent[]): Promise<Map<MarketEvent, LogPlace>> {
  const token = await gateway.token({ scopes: ['publish'] })
  const places = new Map<MarketEvent, LogPlace>()
  const hands = Map.groupBy(events, event => `${topicOf(event, topics)} ${recordKeyOf(event)}`.length % 4)
  const work = [...hands.values()].map(async mine => {
    for (let at = 0; at < mine.length; at += 500) {
      const part = mine.slice(at, at + 500)
      const { status, body } = await post(gateway.url, { token, body: JSON.stringify(part) })
      expect([status, body.failed]).toEqual([200, 0])
      for (const [index, place] of body.events.entries()) places.set(part[index]!, place)
    }
  })
  await Promise.all(work)
  return places
}

describe('POST /v1/events with Kafka', () => {
  test('an event that its topic refuses is reported at once, and its neighbours are published', async () => {
    const small = await createTopics(brokers, { settings: { 'max.message.bytes': '2000' } })
    const other = await startTestGateway(kafkaVariables(brokers, small))
    onTestFinished(async () => {
      await other.stop()
      await deleteTopics(brokers, small)
    })
    const token = await other.token({ scopes: ['publish'] })
    const article = (id: number, length: number): object => ({
      T: 'n',
      id,
      headline: 'x',
      content: 'x'.repeat(length),
      created_at: '2026-01-31T14:30:00Z',
      updated_at: '2026-01-31T14:30:00Z',
      symbols: ['A'],
    })
    const refused = { error: expect.stringMatching(/^not published: longer than the log takes/) }
    const mixed = [article(1, 10), article(2, 3000), article(3, 10)]
    const { status, body } = await post(other.url, { token, body: JSON.stringify(mixed) })
    expect([status, body.failed, body.events[1]]).toEqual([200, 1, refused])
    const alone = await post(other.url, { token, body: JSON.stringify(article(4, 3000)) })
    expect([alone.status, alone.body.events]).toEqual([422, [{ index: 0, ...refused }]])
    const counted = await other.metric('ticker_publish_refused_events_total{reason="oversize"}')
    expect(counted).toBe(2)
  })

  test('positions are those of the records, in order for each key, and subscribers get them', async () => {
    const tape = generateTape({ seed: 4, symbols: 50, events: 5000 })
    const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
    await client.subscribe(Object.fromEntries(channels.map(channel => [channel, ['*']])))
    const receiving = client.takeMany(tape.length)

    const places = await publish(tape)

    const received = await receiving
    const text = (events: readonly object[]): string[] =>
      events.map(event => JSON.stringify(event)).toSorted()
    expect(text(received)).toEqual(text(tape))
    const sample = tape.filter((_, index) => index % 50 === 0)
    expect(await Promise.all(sample.map(event => readAt(log, places.get(event)!)))).toEqual(sample)
    for (const [key, events] of Map.groupBy(
      tape,
      event => `${topicOf(event, topics)} ${recordKeyOf(event)}`,
    )) {
      const positions = events.map(event => places.get(event)!)
      expect(new Set(positions.map(({ topic, partition }) => `${topic}/${partition}`)).size).toBe(1)
      const offsets = positions.map(({ position }) => position)
      expect([key, offsets]).toEqual([key, offsets.toSorted((a, b) => a - b)])
    }
    await client.close()
  })
})
