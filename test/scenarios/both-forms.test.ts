import { afterEach, expect, inject, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import type { MarketEvent, Trade } from '../../src/event/event.ts'
import { openLog } from '../../src/app/open-log.ts'
import { startTestGateway } from '../support/gateway.ts'
import { ResumingClient } from '../support/resuming-client.ts'
import { generateTape } from '../support/tape.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'

const brokers = inject('kafkaBrokers')
const ending: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

async function start() {
  const topics = await createTopics(brokers, { partitions: 3 })
  ending.push(() => deleteTopics(brokers, topics))
  const env = kafkaVariables(brokers, topics)
  const gateway = await startTestGateway(env)
  ending.push(() => gateway.stop())
  const log = openLog(readConfig({ TICKER_MODE: 'development', ...env }), { warn: () => undefined }).events
  ending.push(() => log.close())
  const publish = async (events: readonly MarketEvent[]): Promise<void> => {
    for (let from = 0; from < events.length; from += 700) {
      const results = await log.append(events.slice(from, from + 700))
      expect(results.filter(result => 'error' in result)).toEqual([])
    }
  }
  const connect = async (request: object, form: string): Promise<ResumingClient> => {
    const client = new ResumingClient({ ...request }, { form })
    ending.push(() => client.cut())
    await client.connect(gateway.streamUrl, await gateway.token())
    return client
  }
  return { gateway, publish, connect }
}

/** The events of each item in their order. */
function byItem({ events }: ResumingClient): Record<string, unknown[]> {
  return Object.groupBy(events, ({ T, S, id }) => `${T} ${String(S ?? id)}`) as Record<string, unknown[]>
}

test('a session in the tape form gets what one in JSON gets, event for event', async () => {
  const { publish, connect } = await start()
  const tape = generateTape({ seed: 11, events: 6000 })
  const policy = { quotes: 'every', dailyBars: 'every', lulds: 'every' }
  const all = Object.fromEntries(
    ['trades', 'quotes', 'bars', 'updatedBars', 'dailyBars', 'statuses', 'lulds', 'news'].map(name => [
      name,
      ['*'],
    ]),
  )
  // Sessions begin where the node is: it has to have read the first events.
  const first = await connect({ ...all, policy }, 'ticker.v1.json')
  await publish(tape.slice(0, 1000))
  await expect.poll(() => first.events.length).toBe(1000)
  const [json, binary] = [
    await connect({ ...all, policy }, 'ticker.v1.json'),
    await connect({ ...all, policy }, 'ticker.v1.tape'),
  ]
  await publish(tape.slice(1000, 4000))
  // One joins in the middle, so that it needs the bases of the changes to come.
  const late = await connect({ ...all, policy }, 'ticker.v1.tape')
  await publish(tape.slice(4000))
  await expect.poll(() => json.events.length).toBe(5000)
  await expect.poll(() => binary.events.length).toBe(5000)
  expect(byItem(binary)).toEqual(byItem(json))
  const lateItems = byItem(late)
  for (const [item, events] of Object.entries(byItem(json))) {
    const missed = events.length - (lateItems[item]?.length ?? 0)
    expect(lateItems[item] ?? []).toEqual(events.slice(missed))
  }
  expect([...json.faults, ...binary.faults, ...late.faults]).toEqual([])
})

test('a session that wants more items than one message lists gets every event meanwhile', async () => {
  const { gateway, publish, connect } = await start()
  const items = 4000
  const trade = (symbol: number, i: number): Trade => ({
    T: 't',
    S: `S${symbol}`,
    i,
    p: 100 + (i % 50) / 100,
    s: 1 + (i % 9),
    t: `2026-01-02T14:30:00.${String(i).padStart(9, '0')}Z`,
  })
  const symbolOf = (i: number): number => (i * 7919) % items
  // The form is in use, so that the items have something that changes are against.
  const first = await connect({ trades: ['S0'] }, 'ticker.v1.tape')
  await publish(Array.from({ length: items }, (_, i) => trade(symbolOf(i), i)))
  await expect.poll(() => first.events.length).toBe(1)
  const ebb = new AbortController()
  let next = items
  const flow = (async () => {
    while (!ebb.signal.aborted) {
      await publish(Array.from({ length: 50 }, () => trade(symbolOf(next), next++)))
    }
  })()
  const [all, json] = [
    await connect({ trades: ['*'] }, 'ticker.v1.tape'),
    await connect({ trades: ['*'] }, 'ticker.v1.json'),
  ]
  const prepared = 'ticker_catch_up_seconds_count{feed="live",cause="preparing"}'
  await expect.poll(() => gateway.metric(prepared)).toBe(1)
  ebb.abort()
  await flow
  for (let more = 0; more < 5; more++)
    await publish(Array.from({ length: 300 }, () => trade(symbolOf(next), next++)))
  for (const client of [all, json]) {
    const numbers = (): unknown[] => client.events.slice(-700).map(({ i }) => i)
    await expect.poll(() => numbers().includes(next - 1) && numbers().includes(next - 2)).toBe(true)
  }
  const [whole, later] = [byItem(all), byItem(json)]
  await expect.poll(() => Math.min(all.events.length, json.events.length)).toBeGreaterThan(1500)
  for (const [item, events] of Object.entries(later))
    expect(whole[item]?.slice(-events.length)).toEqual(events)
  expect([...all.faults, ...json.faults]).toEqual([])
})
