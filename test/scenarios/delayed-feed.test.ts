import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openLog } from '../../src/app/open-log.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import type { EventLog } from '../../src/log/event-log.ts'
import { startProxiedCluster } from '../long/kafka-faults/gateway-listener.ts'
import { startTestGateway } from '../support/gateway.ts'
import { ResumingClient } from '../support/resuming-client.ts'
import { createTopics, kafkaVariables } from '../support/topics.ts'
import { waitUntil } from '../support/wait-until.ts'

const delayMs = 3000
const symbols = ['AAPL', 'MSFT', 'IBM', 'SPY']
/** Of more than the delay and the time in which an outage shows. */
const outageTrades = 300

/** Publishes trades whose prices are their numbers, 50 a second, until it is stopped. */
class Publisher {
  /** When each trade was handed to the log, on the steady clock. */
  readonly writtenMs: number[] = []
  readonly #log: EventLog
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  constructor(log: EventLog) {
    this.#log = log
    this.#ended = this.#run()
  }

  async stop(): Promise<number> {
    this.#stopping.abort()
    await this.#ended
    return this.writtenMs.length
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await pause(20)
      const number = this.writtenMs.push(performance.now())
      const symbol = symbols[number % symbols.length]!
      const trade = { T: 't', S: symbol, p: number, s: 1, t: new Date().toISOString() } as const
      const [result] = await this.#log.append([trade])
      assert.ok(result !== undefined && 'position' in result)
    }
  }
}

/** A client that looks at the clock when an event comes. */
function delayedClient(publisher: () => Publisher) {
  const prices: number[] = []
  const early: number[] = []
  const event = ({ p }: Readonly<Record<string, unknown>>): void => {
    const price = Number(p)
    prices.push(price)
    // Timestamps have whole milliseconds.
    const dueMs = publisher().writtenMs[price - 1]! + delayMs - 1
    if (performance.now() < dueMs) early.push(price)
  }
  return { client: new ResumingClient({ trades: ['*'] }, { event }), prices, early }
}

test('a delayed feed gives every event once and none early, over an outage of Kafka, restarts and a cursor of live', async () => {
  const kafka = await startProxiedCluster(1)
  onTestFinished(() => kafka.stop(), 60_000)
  const topics = await createTopics(kafka.brokers)
  // After a restart, a client's events lie further back than the node has read.
  const env = {
    ...kafkaVariables(kafka.gatewayBrokers, topics),
    TICKER_FEEDS: `live,delayed:${delayMs}`,
    TICKER_WARMUP_RECORDS: '5',
  }
  let gateway = await startTestGateway(env)
  onTestFinished(() => gateway.stop())
  const direct = { TICKER_MODE: 'development', ...kafkaVariables(kafka.brokers, topics) }
  const log = openLog(readConfig(direct), { warn: () => undefined }).events
  onTestFinished(() => log.close())
  const connect = async (client: ResumingClient, feed: string) =>
    client.connect(`${gateway.streamUrl}/${feed}`, await gateway.token())

  const stays = delayedClient(() => publisher)
  const comes = delayedClient(() => publisher)
  const publisher = new Publisher(log)
  await connect(stays.client, 'delayed')
  const live = new ResumingClient({ trades: ['*'] })
  await connect(live, 'live')
  await waitUntil(() => live.events.length > 50 && stays.prices.length > 0, 'events on both feeds')
  // A cursor of the live feed goes on in the delayed one.
  live.cut()
  const seen = live.events.length
  await comes.client.connect(`${gateway.streamUrl}/delayed`, await gateway.token(), live.cursor)

  kafka.proxies[0]!.freeze()
  const beforeOutage = publisher.writtenMs.length
  await waitUntil(() => publisher.writtenMs.length > beforeOutage + outageTrades, 'trades of the outage')
  kafka.proxies[0]!.resume()
  const afterOutage = publisher.writtenMs.length
  await waitUntil(() => stays.prices.at(-1)! > afterOutage, 'events from after the outage')

  for (let restart = 0; restart < 2; restart += 1) {
    await gateway.leave()
    const before = publisher.writtenMs.length
    await waitUntil(() => publisher.writtenMs.length > before + 100, 'events while the node is away')
    gateway = await startTestGateway({ ...env })
    for (const { client } of [stays, comes]) await connect(client, 'delayed')
    await waitUntil(() => stays.prices.at(-1)! > before + 100, 'events from after the restart')
  }

  const published = await publisher.stop()
  const isComplete = ({ prices }: typeof stays) => prices.includes(published)
  await waitUntil(() => isComplete(stays) && isComplete(comes), 'the last event')
  for (const { prices, early, client } of [stays, comes]) {
    const first = Math.min(...prices)
    expect(early).toEqual([])
    expect(prices.toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: published - first + 1 }, (_, index) => first + index),
    )
    expect([client.faults, client.lost]).toEqual([[], []])
  }
  expect(comes.prices).not.toContain(live.events[seen - 1]!['p'])
}, 180_000)
