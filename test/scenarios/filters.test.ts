import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { openLog } from '../../src/app/open-log.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import { type Channel, channelOfType, channels, type MarketEvent } from '../../src/event/event.ts'
import { parseFilter } from '../../src/filter/filter.ts'
import { anyFilter } from '../support/any-filter.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { passesNaively } from '../support/naive-filter.ts'
import { type Message, ResumingClient } from '../support/resuming-client.ts'
import { StreamClient } from '../support/stream-client.ts'
import { generateTape, readTape, sharedTapePath } from '../support/tape.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'

const brokers = inject('kafkaBrokers')
const ending: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

/** A made-up market of all channels, with some of the recorded one where it lies beside the checkout. */
let market: readonly MarketEvent[]

beforeAll(async () => {
  const path = sharedTapePath()
  const recorded = path === undefined ? [] : (await Array.fromAsync(readTape(path))).slice(0, 6000)
  const generated = generateTape({ seed: 151, symbols: 40, events: 6000 })
  market = generated.flatMap((event, index) => [event, ...recorded.slice(index, index + 1)])
})

async function shareTopics(): Promise<Record<string, string>> {
  const topics = await createTopics(brokers, { partitions: 3 })
  ending.push(() => deleteTopics(brokers, topics))
  // All sessions are of one user.
  return {
    ...kafkaVariables(brokers, topics),
    TICKER_HEARTBEAT_MS: '200',
    TICKER_MAX_FILTERS_PER_USER: '1000',
  }
}

async function start(env: Readonly<Record<string, string>>): Promise<TestGateway> {
  const gateway = await startTestGateway(env)
  ending.push(() => gateway.stop())
  return gateway
}

type Publish = (events: readonly MarketEvent[]) => Promise<void>

function publisher(env: Readonly<Record<string, string>>): Publish {
  const { events: log } = openLog(readConfig({ TICKER_MODE: 'development', ...env }), {
    warn: () => undefined,
  })
  ending.push(() => log.close())
  return async events => {
    for (let from = 0; from < events.length; from += 500) {
      const results = await log.append(events.slice(from, from + 500))
      expect(results.filter(result => 'error' in result)).toEqual([])
    }
  }
}

interface Wish {
  readonly symbols: Readonly<Partial<Record<Channel, readonly string[]>>>
  readonly where: Readonly<Partial<Record<Channel, object>>>
}

/** Any subscription with any filters, some of channels without symbols. */
function anyWish(): fc.Arbitrary<Wish> {
  const names = [
    ...new Set(market.slice(0, 500).flatMap(event => (event.T === 'n' ? event.symbols : [event.S]))),
  ]
  const lists = fc.oneof(
    fc.constant(['*']),
    fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 12 }),
  )
  const symbols = fc.record(Object.fromEntries(channels.map(channel => [channel, lists])), {
    requiredKeys: ['trades'],
  })
  const filters = channels.map(channel => {
    const valid = anyFilter(channel, market.slice(0, 3000)).filter(
      value => !('fault' in parseFilter(channel, value)),
    )
    return [channel, valid] as const
  })
  const where = fc.record(Object.fromEntries(filters), { requiredKeys: ['trades', 'quotes'] })
  return fc.record({ symbols, where })
}

function wishes(count: number): Wish[] {
  return fc.sample(anyWish(), { numRuns: count, seed })
}

/** Whether an event is for a session, by the words of PROTOCOL.md. */
function isFor({ symbols, where }: Wish, event: MarketEvent): boolean {
  const channel = channelOfType[event.T]
  const followed = channel === 'corrections' || channel === 'cancelErrors' ? (symbols.trades ?? []) : []
  const names = [...(symbols[channel] ?? []), ...followed]
  const own = event.T === 'n' ? event.symbols : [event.S]
  const isNamed = names.includes('*') || own.some(symbol => names.includes(symbol))
  return isNamed && passesNaively(where[channel] ?? {}, event)
}

/** The events of each item, in their order; of an article only its own. */
function byItem(events: readonly object[]): Record<string, string[]> {
  const texts = events.map(event => ({
    event: event as Message,
    text: JSON.stringify(Object.entries(event).toSorted(([one], [other]) => (one < other ? -1 : 1))),
  }))
  const items = Object.groupBy(texts, ({ event: { T, S, id } }) => `${T} ${String(S ?? id)}`)
  return Object.fromEntries(Object.entries(items).map(([item, own]) => [item, own!.map(({ text }) => text)]))
}

/** Of the subscriptions; each failure names it. */
const seed = Math.floor(Math.random() * 2 ** 31)
const every = Object.fromEntries(channels.map(channel => [channel, 'every']))

describe('any filters of any subscriptions', () => {
  test('let the same events through live, resumed from memory, and from the log', async () => {
    const env = await shareTopics()
    const publish = publisher(env)
    let gateway = await start(env)
    const sessions = wishes(16).map((wish, index) => {
      const form = index % 2 === 0 ? 'ticker.v1.json' : 'ticker.v1.tape'
      const client = new ResumingClient({ ...wish.symbols, where: wish.where, policy: every }, { form })
      ending.push(() => client.cut())
      return { wish, client }
    })
    const connect = async (): Promise<void> => {
      for (const { client } of sessions) await client.connect(gateway.streamUrl, await gateway.token())
    }
    const expectFiltered = async (count: number): Promise<void> => {
      const published = market.slice(0, count)
      for (const { wish, client } of sessions) {
        const reached = (): number => client.positions.reduce((sum, { position }) => sum + position, 0)
        await expect.poll(reached, { timeout: 60_000 }).toBe(count)
        expect(byItem(client.events), `seed ${seed}`).toEqual(
          byItem(published.filter(event => isFor(wish, event))),
        )
        expect(client.faults).toEqual([])
      }
    }
    const cut = (): void => {
      for (const { client } of sessions) client.cut()
    }

    await connect()
    await publish(market.slice(0, 3000))
    await expectFiltered(3000)
    cut()
    await publish(market.slice(3000, 6000))
    await connect()
    await publish(market.slice(6000, 7000))
    await expectFiltered(7000)
    cut()
    await publish(market.slice(7000, 10_000))
    await gateway.stop()
    gateway = await start({ ...env, TICKER_WARMUP_RECORDS: '0', TICKER_LOOK_BACK_RECORDS: '0' })
    await connect()
    await publish(market.slice(10_000))
    await expectFiltered(market.length)
    expect(sessions.flatMap(({ client }) => client.recovered)).toEqual(Array.from({ length: 32 }, () => true))
  }, 180_000)

  test('count the events that pass at an interval, and end at the newest of them', async () => {
    const env = await shareTopics()
    const publish = publisher(env)
    const gateway = await start(env)
    const quotes = market.filter(({ T }) => T === 'q')
    const sessions = await Promise.all(
      wishes(12).map(async ({ symbols, where }) => {
        const wish = { symbols: { quotes: symbols.quotes ?? ['*'] }, where }
        const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
        ending.push(() => client.close())
        await client.subscribe({ ...wish.symbols, where: wish.where, conflateMs: 100 })
        return { wanted: quotes.filter(event => isFor(wish, event)), client }
      }),
    )
    await publish(quotes)
    for (const { wanted, client } of sessions) {
      const counts: Record<string, number> = {}
      const newest: Record<string, object> = {}
      for (let count = 0; count < wanted.length; ) {
        const { replaces = 0, ...event } = await client.take('q')
        count += 1 + Number(replaces)
        counts[String(event['S'])] = (counts[String(event['S'])] ?? 0) + 1 + Number(replaces)
        newest[String(event['S'])] = event
      }
      const bySymbol = Object.entries(Object.groupBy(wanted, event => (event.T === 'q' ? event.S : '')))
      expect(counts, `seed ${seed}`).toEqual(
        Object.fromEntries(bySymbol.map(([symbol, own]) => [symbol, own!.length])),
      )
      expect(newest, `seed ${seed}`).toEqual(
        Object.fromEntries(bySymbol.map(([symbol, own]) => [symbol, own!.at(-1)])),
      )
      expect(client.waiting).toBe(0)
    }
  }, 120_000)

  test('leave the newest event of each item that passes for snapshots', async () => {
    const env = await shareTopics()
    const publish = publisher(env)
    const gateway = await start(env)
    const conflated = market.filter(({ T }) => T === 'q' || T === 't').slice(0, 4000)
    await publish(conflated)
    const count = `ticker_events_total{feed="live",channel="quotes"}`
    const quotes = conflated.filter(({ T }) => T === 'q').length
    await expect.poll(() => gateway.metric(count), { timeout: 60_000 }).toBe(quotes)
    for (const { symbols, where } of wishes(12)) {
      const wish = { symbols: { quotes: symbols.quotes ?? ['*'], trades: symbols.trades ?? ['*'] }, where }
      const client = await StreamClient.open(gateway.streamUrl, await gateway.token())
      await client.subscribe({ ...wish.symbols, where: wish.where, snapshot: true })
      const current: MarketEvent[] = []
      for (let isComplete = false; !isComplete; ) {
        const { events, complete } = await client.take('snapshot')
        current.push(...(events as MarketEvent[]))
        isComplete = complete === true
      }
      const expected = byItem(conflated.filter(event => isFor(wish, event)))
      const newest = Object.entries(expected).map(([item, own]) => [item, own.slice(-1)])
      expect(byItem(current), `seed ${seed}`).toEqual(Object.fromEntries(newest))
      await client.close()
    }
  }, 120_000)
})
