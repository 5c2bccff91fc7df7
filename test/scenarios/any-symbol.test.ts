import fc from 'fast-check'
import { afterEach, expect, inject, test } from 'vitest'
import { anySymbol, houseSymbols } from '../support/any-symbol.ts'
import { type Message, ResumingClient } from '../support/resuming-client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { news, post, quote, trade } from '../http/publish/post.ts'

const brokers = inject('kafkaBrokers')
const ending: (() => Promise<unknown> | void)[] = []
const seed = Date.now() % 2 ** 31

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

const logs = {
  embedded: () => Promise.resolve({}),
  kafka: async () => {
    const topics = await createTopics(brokers, { partitions: 3 })
    ending.push(() => deleteTopics(brokers, topics))
    return kafkaVariables(brokers, topics)
  },
}

async function start(env: Readonly<Record<string, string>>): Promise<TestGateway> {
  const gateway = await startTestGateway(env)
  ending.push(() => gateway.stop())
  return gateway
}

async function publish({ url }: TestGateway, token: string, events: readonly object[]): Promise<void> {
  const { status, body } = await post(url, { token, body: JSON.stringify(events) })
  expect([status, body.failed, body.warnings]).toEqual([200, 0, undefined])
}

type Fields = Readonly<Record<string, unknown>>

/** Events in one order, however many partitions they came from. */
function bySymbol(events: readonly Fields[]): Fields[] {
  const nameOf = ({ T, S, id, i, bp }: Fields): string => JSON.stringify([T, S ?? id, i ?? bp])
  return events.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
}

// Cause: each place where a symbol comes by had its own idea of what stands in one, none of what houses send.
// Symptom: such events were poison; such names in tokens, subscriptions and requests were refused.
// Seen: feeds of several houses, published from outside (issue 13).
test.each(['embedded', 'kafka'] as const)(
  'any symbol is received as it was published: %s log, both forms, tokens, resumes, snapshots, lists',
  async log => {
    const gateway = await start(await logs[log]())
    const sample = fc.sample(anySymbol, { numRuns: 40, seed })
    const symbols = [...new Set([...houseSymbols, ...sample])]
    const token = await gateway.token({ symbols, scopes: ['stream', 'publish'] })
    const policy = { quotes: 'every' }
    const request = { trades: symbols, quotes: symbols, news: symbols, policy }
    const clients = ['ticker.v1.json', 'ticker.v1.tape'].map(form => new ResumingClient(request, { form }))
    ending.push(() => clients.forEach(client => client.cut()))
    for (const client of clients) await client.connect(gateway.streamUrl, token)
    const sent: Fields[] = []
    const send = async (round: number): Promise<void> => {
      const events = symbols.flatMap(symbol => [
        trade(symbol, 2 * round),
        // Of these, no item keeps anything in the tape form.
        { ...trade(symbol, 0), i: `T-${symbol.length}/${round}` },
        { ...trade(symbol, 2 * round + 1), t: '2016-12-31T23:59:60.5Z' },
        { ...quote(symbol), bp: round },
      ])
      sent.push(...events, { ...news(symbols), id: round })
      await publish(gateway, token, [...events, { ...news(symbols), id: round }])
    }
    const expectSent = async ({ events }: ResumingClient): Promise<void> => {
      await expect.poll(() => events.length, { timeout: 20_000 }).toBe(sent.length)
      expect([seed, bySymbol(events)]).toEqual([seed, bySymbol(sent)])
    }

    await send(1)
    // Changes of items that are known come by in another way than first events.
    await send(2)
    for (const client of clients) await expectSent(client)
    for (const client of clients) client.cut()
    await send(3)
    for (const client of clients) await client.connect(gateway.streamUrl, token)
    await expect.poll(() => clients.map(({ resumes }) => resumes), { timeout: 20_000 }).toEqual([1, 1])
    for (const client of clients) await expectSent(client)
    expect(clients.flatMap(({ faults, lost }) => [...faults, ...lost])).toEqual([])

    const late = await StreamClient.open(gateway.streamUrl, token)
    ending.push(() => late.close())
    await late.subscribe({ trades: symbols, snapshot: true })
    const values: Message[] = []
    for (let isComplete = false; !isComplete; ) {
      const snapshot = await late.take('snapshot')
      values.push(...(snapshot['events'] as Message[]))
      isComplete = snapshot['complete'] === true
    }
    expect(bySymbol(values)).toEqual(
      bySymbol(symbols.map(symbol => ({ ...trade(symbol, 7), t: '2016-12-31T23:59:60.5Z' }))),
    )
    const list = await fetch(`${gateway.url}/v1/symbols`, { headers: { authorization: `Bearer ${token}` } })
    expect(await list.json()).toEqual({
      symbols: symbols.toSorted().map(symbol => ({ symbol, channels: ['trades', 'quotes', 'news'] })),
    })
  },
)

test('events, subscriptions and tokens agree on NFC, whatever they were written in', async () => {
  const gateway = await start(await logs.kafka())
  const [composed, decomposed] = ['É1', 'E\u03011']
  const token = await gateway.token({ symbols: [decomposed], scopes: ['stream', 'publish'] })
  const client = await StreamClient.open(gateway.streamUrl, token)
  ending.push(() => client.close())
  expect(await client.subscribe({ trades: [decomposed] })).toMatchObject({ trades: [composed] })
  await publish(gateway, token, [trade(decomposed, 1), trade(composed, 2)])
  expect(await client.takeMany(2)).toEqual([trade(composed, 1), trade(composed, 2)])
  client.send({ action: 'unsubscribe', trades: [decomposed] })
  expect(await client.take('subscription')).toMatchObject({ trades: [] })
})

test('what an article loses is reported to its sender, counted and logged', async () => {
  const gateway = await start(await logs.kafka())
  const token = await gateway.token({ scopes: ['stream', 'publish'] })
  const client = await StreamClient.open(gateway.streamUrl, token)
  ending.push(() => client.close())
  await client.subscribe({ news: ['*'] })
  const article = { ...news(['A', 'B,C', 'ES=F']), headline: 'up \ud83d' }
  const answered = await post(gateway.url, { token, body: JSON.stringify([trade('A', 1), article]) })
  expect(answered).toMatchObject({
    status: 200,
    body: {
      failed: 0,
      warnings: [
        {
          index: 1,
          repaired: [
            'n.headline: half a surrogate pair became U+FFFD',
            expect.stringMatching(/^n\.symbols: dropped 1 of 3 \("B,C"\)/),
          ],
        },
      ],
    },
  })
  expect(await client.next()).toEqual({ ...article, headline: 'up \ufffd', symbols: ['A', 'ES=F'] })
  // What was mended before it was published need not be mended again.
  expect(await gateway.metric('ticker_repaired_values_total{feed="live",repair="symbol"}')).toBe(0)
})
