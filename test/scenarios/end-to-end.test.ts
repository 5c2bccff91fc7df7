import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { channelOfType, channels, type MarketEvent } from '../../src/event/event.ts'
import { recordKeyOf, type Topics, topicOf } from '../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'
import { generateTape, readTape, sharedTapePath } from '../support/tape.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'

const partitions = 4
const brokers = inject('kafkaBrokers')
const started: { gateway: TestGateway; topics: Topics }[] = []
/**
 * One for each test: kafkajs' producer asks for the metadata of every topic it ever sent to, also of deleted
 * ones.
 */
let producer: Producer

beforeEach(async () => {
  producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
})
afterEach(async () => {
  await producer.disconnect()
  for (const { gateway, topics } of started.splice(0)) {
    await gateway.stop()
    await deleteTopics(brokers, topics)
  }
})

/** A gateway on topics of its own in the real Kafka. */
async function start(
  env: Readonly<Record<string, string>> = {},
): Promise<{ gateway: TestGateway; topics: Topics }> {
  const topics = await createTopics(brokers, { partitions })
  const gateway = await startTestGateway({ ...kafkaEnv(topics), ...env })
  const pair = { gateway, topics }
  started.push(pair)
  return pair
}

function kafkaEnv(topics: Topics): Record<string, string> {
  return {
    ...kafkaVariables(brokers, topics),
    // The reader shares this process, and so its event loop, with the gateway.
    TICKER_MAX_UNSENT_BYTES: String(256 * 2 ** 20),
  }
}

/** Publishes as any producer would: kafkajs, its own partitioner, its own batches. */
async function produce(events: readonly MarketEvent[], topics: Topics): Promise<void> {
  for (let at = 0; at < events.length; at += 2000) {
    const byTopic = Map.groupBy(events.slice(at, at + 2000), event => topicOf(event, topics))
    await producer.sendBatch({
      topicMessages: [...byTopic].map(([topic, itsEvents]) => ({
        topic,
        messages: itsEvents.map(event => ({ key: recordKeyOf(event), value: JSON.stringify(event) })),
      })),
    })
  }
}

const everything = Object.fromEntries(channels.map(channel => [channel, ['*']]))
const everyPolicy = Object.fromEntries(channels.map(channel => [channel, 'every']))

/**
 * The items of an event, as `channel/symbol`. Articles of one symbol have different keys, so their order is
 * not promised.
 */
function itemOf(event: MarketEvent): string {
  return event.T === 'n' ? `news ${event.id}` : `${channelOfType[event.T]}/${event.S}`
}

function byItem(events: readonly MarketEvent[]): Map<string, string[]> {
  const items = new Map<string, string[]>()
  for (const event of events) {
    const item = itemOf(event)
    const list = items.get(item)
    if (list === undefined) items.set(item, [canonical(event)])
    else list.push(canonical(event))
  }
  return items
}

function canonical(event: MarketEvent): string {
  return JSON.stringify(Object.fromEntries(Object.entries(event).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

async function receive(client: StreamClient, count: number): Promise<MarketEvent[]> {
  return (await client.takeMany(count)) as unknown as MarketEvent[]
}

function expectSame(received: readonly MarketEvent[], published: readonly MarketEvent[]): void {
  const [got, expected] = [byItem(received), byItem(published)]
  expect([...got.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
  for (const [item, events] of expected) expect([item, got.get(item)]).toEqual([item, events])
}

describe('from Kafka to a subscriber of everything', () => {
  test('a generated tape of all channels arrives whole: every field, in order, nothing twice', async () => {
    const { gateway, topics } = await start()
    const tape = [...generateTape({ seed: 2026, symbols: 300, events: 30_000 })]
    const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
    await client.subscribe({ ...everything, policy: everyPolicy })
    const received = receive(client, tape.length)
    await produce(tape, topics)
    expectSame(await received, tape)
    // Coverage and the acknowledgement state how far this session has been served: the very ends of the log,
    // and nothing else comes.
    const { positions } = await client.subscribe({})
    const covered = client.coverage.flatMap(({ ranges }) => ranges as [number, number, number][])
    const reached = new Map(covered.map(([number, , to]) => [number, to]))
    for (const [number, position] of positions as [number, number][]) reached.set(number, position)
    expect([...reached.values()].reduce((sum, position) => sum + position, 0)).toBe(tape.length)
    expect(client.waiting).toBe(0)
    await client.close()
  })

  const realTape = sharedTapePath()
  test.runIf(realTape !== undefined)(
    'the real tape, where it lies beside the checkout, arrives whole',
    async () => {
      const tape: MarketEvent[] = []
      for await (const event of readTape(realTape!)) tape.push(event)
      expect(tape.length).toBe(126_289)
      const { gateway, topics } = await start()
      const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
      await client.subscribe({ ...everything, policy: everyPolicy })
      const received = receive(client, tape.length)
      await produce(tape, topics)
      expectSame(await received, tape)
      await client.close()
    },
  )

  test('poison records are counted, logged without their content, and passed over', async () => {
    const { gateway, topics } = await start()
    const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
    await client.subscribe({ trades: ['*'] })
    const good: MarketEvent = { T: 't', S: 'AAPL', p: 1.5, s: 1, t: '2026-01-02T14:30:00.1Z' }
    const values = [
      'secret {',
      '"secret"',
      '{"T":"t","S":"secret, value","p":1,"s":1,"t":"2026-01-02T14:30:00Z"}',
      `{"T":"t","S":"AAPL","p":1,"s":1,"i":9007199254740993,"t":"2026-01-02T14:30:00Z"}`,
      `{"T":"n","id":1,"headline":"${'secret'.repeat(50_000)}"}`,
      null,
      JSON.stringify(good),
    ]
    await producer.send({ topic: topics.trades, messages: values.map(value => ({ key: 'AAPL', value })) })
    expect(await client.next()).toEqual(good)
    const reasons = ['syntax', 'type', 'field', 'size'].map(
      reason => `ticker_poison_records_total{feed="live",reason="${reason}"}`,
    )
    expect(await Promise.all(reasons.map(name => gateway.metric(name)))).toEqual([1, 1, 2, 1])
    expect(await gateway.metric('ticker_records_ignored_total{feed="live"}')).toBe(1)
    const poisonLines = gateway.logLines.filter(line => line.includes('poison record passed over'))
    expect(poisonLines.length).toBeGreaterThan(0)
    expect(poisonLines.join('')).not.toContain('secret')
    await client.close()
  })

  test('after a restart the snapshot has the last event of each item, and says since when', async () => {
    const { gateway, topics } = await start()
    const tape = [...generateTape({ seed: 5, symbols: 20, events: 3000 })].filter(event => event.T === 't')
    await produce(tape, topics)
    await gateway.stop()
    const again = await startTestGateway({ ...kafkaEnv(topics), TICKER_WARMUP_RECORDS: '1000' })
    const last = new Map(tape.map(event => [event.S, event]))
    const client = await StreamClient.open(again.streamUrl, await again.token())
    await client.subscribe({ trades: ['*'], snapshot: true })
    const snapshot = await client.take('snapshot')
    expect(snapshot).not.toHaveProperty('since')
    expect(new Map((snapshot['events'] as typeof tape).map(event => [event.S, event]))).toEqual(last)
    await client.close()
    await again.stop()
    const short = await startTestGateway({ ...kafkaEnv(topics), TICKER_WARMUP_RECORDS: '5' })
    const other = await StreamClient.open(short.streamUrl, await short.token())
    await other.subscribe({ trades: ['*'], snapshot: true })
    expect(await other.take('snapshot')).toMatchObject({ since: expect.any(String) })
    await other.close()
    await short.stop()
  })

  test('after a restart at a quiet time the snapshot has the last quotes of silent symbols', async () => {
    const { gateway, topics } = await start()
    const at = '2026-01-02T14:30:00Z'
    const symbols = Array.from({ length: 40 }, (_, index) => `S${index}`)
    const quote = (symbol: string, bp: number): MarketEvent => ({
      T: 'q',
      S: symbol,
      bp,
      bs: 1,
      ap: bp + 1,
      as: 1,
      t: at,
    })
    const early = symbols.map(symbol => quote(symbol, 7))
    const busy = Array.from({ length: 8000 }, (_, index) => quote(`S${index % 4}`, 100 + index))
    const trades = symbols.map((symbol): MarketEvent => ({ T: 't', S: symbol, p: 1, s: 1, t: at }))
    await produce([...early, ...busy, ...trades], topics)
    await gateway.stop()
    const again = await startTestGateway({ ...kafkaEnv(topics), TICKER_WARMUP_RECORDS: '20' })
    const client = await StreamClient.open(again.streamUrl, await again.token())
    await client.subscribe({ quotes: ['*'], snapshot: true })
    const events = (await client.take('snapshot'))['events'] as { readonly S: string; readonly bp: number }[]
    expect(new Set(events.map(({ S }) => S))).toEqual(new Set(symbols))
    expect(events.filter(({ bp }) => bp === 7)).toHaveLength(36)
    expect(await again.metric('ticker_look_back_missing_items{feed="live"}')).toBe(0)
    expect(await again.metric('ticker_look_back_items_total{feed="live"}')).toBeGreaterThanOrEqual(30)
    expect(await again.metric('ticker_warm_up_seconds{feed="live"}')).toBeGreaterThan(0)
    await client.close()
    await again.stop()
  })

  test('a symbol that shows up in two partitions is counted and logged', async () => {
    const { gateway, topics } = await start()
    const value = '{"T":"t","S":"AAPL","p":1,"s":1,"t":"2026-01-02T14:30:00Z"}'
    const messages = [0, 1, 0, 1].map(partition => ({ key: 'AAPL', value, partition }))
    await producer.send({ topic: topics.trades, messages })
    await expect.poll(() => gateway.metric('ticker_split_items_total{feed="live"}')).toBe(1)
    expect(gateway.logLines.join('')).toContain('two partitions')
  })
})

describe('many subscribers', () => {
  test('200 with overlapping watch lists each get exactly their items', async () => {
    const { gateway, topics } = await start()
    const tape = [...generateTape({ seed: 31, symbols: 60, events: 4000 })]
    const symbols = [...new Set(tape.flatMap(event => (event.T === 'n' ? [] : [event.S])))]
    const readers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const list = Array.from(
          { length: 1 + (index % 20) },
          (_unused, step) => symbols[(index * 7 + step * 3) % symbols.length]!,
        )
        const wanted = new Set(list)
        const token = await gateway.token({ subject: `reader ${index}` })
        const client = await StreamClient.open(gateway.streamUrl, token)
        await client.subscribe({ trades: [...wanted], quotes: [...wanted], news: [...wanted] })
        const expected = tape.filter(event => {
          if (event.T === 'n') return event.symbols.some(symbol => wanted.has(symbol))
          return 'tqcx'.includes(event.T) && wanted.has(event.S)
        })
        return { client, expected }
      }),
    )
    await produce(tape, topics)
    for (const { client, expected } of readers) expectSame(await receive(client, expected.length), expected)
    const deliveries = readers.reduce((sum, { expected }) => sum + expected.length, 0)
    expect(await gateway.metric('ticker_deliveries_total{feed="live"}')).toBe(deliveries)
    for (const { client } of readers) {
      expect(client.waiting).toBe(0)
      await client.close()
    }
  })

  test('a token for two symbols never sees a third, by name or by *', async () => {
    const { gateway, topics } = await start()
    const tape = [...generateTape({ seed: 77, symbols: 10, events: 2000 })]
    const [first, second, third] = [...new Set(tape.flatMap(event => (event.T === 'n' ? [] : [event.S])))]
    const client = await StreamClient.open(
      gateway.streamUrl,
      await gateway.token({ symbols: [first!, second!] }),
    )
    client.send({ action: 'subscribe', quotes: [first, third] })
    expect(await client.next()).toMatchObject({ code: 409 })
    await client.subscribe(everything)
    await produce(tape, topics)
    const expected = tape.filter(event =>
      (event.T === 'n' ? event.symbols : [event.S]).some(symbol => symbol === first || symbol === second),
    )
    expectSame(await receive(client, expected.length), expected)
    client.send({ action: 'subscribe', ...everything, snapshot: true })
    const [, snapshot] = await client.takeMany(2)
    for (const event of snapshot!['events'] as MarketEvent[]) {
      expect(
        (event.T === 'n' ? event.symbols : [event.S]).some(symbol => symbol === first || symbol === second),
      ).toBe(true)
    }
    const response = await fetch(`${gateway.url}/v1/symbols`, {
      headers: { authorization: `Bearer ${await gateway.token({ symbols: [first!, second!] })}` },
    })
    const { symbols } = (await response.json()) as { symbols: { symbol: string }[] }
    expect(new Set(symbols.map(({ symbol }) => symbol))).toEqual(new Set([first, second]))
    await client.close()
  })
})
