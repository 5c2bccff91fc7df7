import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { readLogConfig } from '../../src/config/config-reader.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import { openLog } from '../../src/app/open-log.ts'
import { recordKeyOf, topicOf } from '../../src/log/topics.ts'
import { generateTape } from '../support/tape.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { jsonLines } from '../support/json-lines.ts'
import { PublishFixture, open, publish, readAll } from './publish/publish-fixture.ts'

describe('in Kafka', () => {
  test('a file lies with each key in order; production asks for nothing but brokers', async () => {
    const brokers = inject('kafkaBrokers')
    const topics = await createTopics(brokers)
    onTestFinished(() => deleteTopics(brokers, topics))
    const env = kafkaVariables(brokers, topics)
    const fixture = await PublishFixture.open()
    const tape = generateTape({ seed: 12, events: 10_000 })
    const command = publish(env, await fixture.file('tape.jsonl', jsonLines(tape)))
    expect(await command.ended()).toBe(0)
    const log = open(env)
    onTestFinished(() => log.close())
    const published = await readAll(log)
    expect(published.length).toBe(tape.length)
    const key = (event: MarketEvent) => `${topicOf(event, topics)} ${recordKeyOf(event)}`
    expect(Map.groupBy(published, key)).toEqual(Map.groupBy(tape, key))
  })

  test('an event that its topic does not take is named as not published, at once', async () => {
    const brokers = inject('kafkaBrokers')
    const topics = await createTopics(brokers, { settings: { 'max.message.bytes': '2000' } })
    onTestFinished(() => deleteTopics(brokers, topics))
    const fixture = await PublishFixture.open()
    const news = [10, 3000, 10].map((length, id) => ({
      T: 'n' as const,
      id,
      headline: 'x',
      content: 'x'.repeat(length),
      created_at: '2026-01-31T14:30:00Z',
      updated_at: '2026-01-31T14:30:00Z',
      symbols: ['A'],
    }))
    const command = publish(
      kafkaVariables(brokers, topics),
      await fixture.file('news.jsonl', jsonLines(news)),
    )
    expect(await command.ended()).toBe(1)
    expect(command.stdout).toContain('published 2 events')
    expect(command.stderr).toContain('1 event NOT published:\n  line 2 (1 event)')
    expect(command.stderr).toContain('max.message.bytes')
    expect(command.stderr).not.toContain('NOT acknowledged')
  })

  test('a topic that does not exist is reported before anything is published', async () => {
    const brokers = inject('kafkaBrokers')
    const topics = await createTopics(brokers)
    onTestFinished(() => deleteTopics(brokers, topics))
    const env = kafkaVariables(brokers, { ...topics, quotes: 'test-no-such-topic' })
    const fixture = await PublishFixture.open()
    const command = publish(
      env,
      await fixture.file('tape.jsonl', jsonLines(generateTape({ seed: 13, events: 200 }))),
    )
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toContain('test-no-such-topic: no such topic')
    const log = openLog(readLogConfig(env), { warn: () => undefined }).events
    onTestFinished(() => log.close())
    expect(await readAll(log)).toEqual([])
  })
})
