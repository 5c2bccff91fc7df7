import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { openLog, type OpenLog } from '../../src/app/open-log.ts'
import type { Trade } from '../../src/event/event.ts'
import type { Topics } from '../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { ResumingClient } from '../support/resuming-client.ts'
import { StreamClient } from '../support/stream-client.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { waitUntil } from '../support/wait-until.ts'

const brokers = inject('kafkaBrokers')
/** Long enough for everything that has to happen before an event is due. */
const delayMs = 3000

let topics: Topics
let gateway: TestGateway
let log: OpenLog
let price = 0

beforeAll(async () => {
  topics = await createTopics(brokers)
  gateway = await startTestGateway({
    TICKER_FEEDS: `live,second,delayed:${delayMs}`,
    ...kafkaVariables(brokers, topics),
  })
  log = openLog(readConfig(gateway.env), { warn: () => undefined })
})

afterAll(async () => {
  await log?.events.close()
  await gateway?.stop()
  await deleteTopics(brokers, topics)
})

/** Writes a trade of a further price. Returns the price and when it was written, on the steady clock. */
async function publish(): Promise<{ readonly price: number; readonly writtenMs: number }> {
  const writtenMs = performance.now()
  const trade: Trade = { T: 't', S: 'AAPL', p: ++price, s: 1, t: new Date().toISOString() }
  const [result] = await log.events.append([trade])
  expect(result).toHaveProperty('position')
  return { price: trade.p, writtenMs }
}

async function open(feed: string): Promise<StreamClient> {
  return await StreamClient.open(`${gateway.streamUrl}${feed}`, await gateway.token())
}

const url = (feed: string): string => `${gateway.streamUrl}/${feed}`
const pricesOf = ({ events }: ResumingClient): unknown[] => events.map(({ p }) => p)

describe('one log, several feeds', () => {
  test('each client gets every event from the feed that it asked for, a delayed one when it is due', async () => {
    const clients = await Promise.all([open(''), open('/live'), open('/second'), open('/delayed')])
    for (const client of clients) await client.subscribe({ trades: ['AAPL'] })
    const { price: published, writtenMs } = await publish()
    for (const client of clients.slice(0, 3)) expect(await client.take('t')).toMatchObject({ p: published })
    expect(clients[3]?.waiting).toBe(0)
    expect(await clients[3]?.take('t')).toMatchObject({ p: published })
    expect(performance.now() - writtenMs).toBeGreaterThanOrEqual(delayMs)
    const sessions = ['live', 'second', 'delayed'].map(feed =>
      gateway.metric(`ticker_sessions{feed="${feed}",transport="websocket",state="live"}`),
    )
    expect(await Promise.all(sessions)).toEqual([2, 1, 1])
    const { sessions: listed } = gateway.controls.sessions.list({ feed: 'delayed' })
    expect(listed).toMatchObject([{ feed: 'delayed', items: 1 }])
    for (const client of clients) await client.close()
  })

  test('a snapshot has the last value of the feed', async () => {
    const live = await open('')
    await live.subscribe({ trades: ['AAPL'] })
    const { price: older } = await publish()
    await live.take('t')
    const delayed = await open('/delayed')
    await delayed.subscribe({ trades: ['AAPL'] })
    expect(await delayed.take('t')).toMatchObject({ p: older })
    const { price: newer } = await publish()
    await live.take('t')
    const valueOf = async (feed: string): Promise<unknown> => {
      const client = await open(feed)
      await client.subscribe({ trades: ['AAPL'], snapshot: true })
      const { events } = await client.take('snapshot')
      await client.close()
      return events
    }
    expect(await Promise.all([valueOf('/live'), valueOf('/delayed')])).toMatchObject([
      [{ p: newer }],
      [{ p: older }],
    ])
    await Promise.all([live.close(), delayed.close()])
  })
})

describe('a client is told of its feed', () => {
  test.each([
    ['', undefined, undefined],
    ['/live', undefined, undefined],
    ['/second', 'second', 0],
    ['/delayed', 'delayed', delayMs],
  ])('when it is authenticated at /v1/stream%s', async (path, feed, delay) => {
    const client = new StreamClient(`${gateway.streamUrl}${path}`)
    await client.take('success')
    client.send({ action: 'auth', token: await gateway.token() })
    const authenticated = await client.take('success')
    expect([authenticated['feed'], authenticated['delayMs']]).toEqual([feed, delay])
    await client.close()
  })

  test.each(['/other', '/Live', '/live/', '/'])('a name that is none is 404: %s', async path => {
    const response = await fetch(`${gateway.url}/v1/stream${path}`)
    expect(response.status).toBe(404)
  })

  test('and of the names that there are', async () => {
    const response = await fetch(`${gateway.url}/v1/stream/other`)
    expect(await response.json()).toEqual({
      error: 'there is no feed "other" here; expected live, second or delayed',
    })
    const refused = 'ticker_handshakes_refused_total{transport="websocket",reason="feed"}'
    expect(await gateway.metric(refused)).toBeGreaterThan(0)
  })
})

describe('a token for some feeds', () => {
  test('opens those, and no other', async () => {
    const token = await gateway.token({ feeds: ['delayed'] })
    const delayed = await StreamClient.open(url('delayed'), token)
    const live = new StreamClient(gateway.streamUrl)
    await live.take('success')
    live.send({ action: 'auth', token })
    expect(await live.take('error')).toMatchObject({
      code: 409,
      msg: 'insufficient subscription',
      detail:
        'the token does not allow the feed "live"; it allows delayed: use one of these, or ask for a ' +
        'token with "live" among its feeds',
    })
    expect(await live.closed()).toEqual({ code: 4501, reason: 'unauthorized' })
    await delayed.close()
  })

  test('reads server-sent events of those, and of no other', async () => {
    const token = await gateway.token({ feeds: ['second'] })
    const ask = async (query: string): Promise<unknown[]> => {
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
      const stopping = new AbortController()
      const { signal } = stopping
      const response = await fetch(`${gateway.url}/v1/events?trades=AAPL${query}`, { headers, signal })
      const answer = [response.status, response.ok ? '' : await response.json()]
      stopping.abort()
      return answer
    }
    expect(await ask('&feed=second')).toEqual([200, ''])
    expect(await ask('')).toEqual([
      403,
      { error: expect.stringContaining('the token does not allow the feed "live"; it allows second') },
    ])
    expect(await ask('&feed=other')).toEqual([
      404,
      { error: expect.stringContaining('there is no feed "other" here; expected live, second or delayed') },
    ])
  })

  test('does not continue a session of another', async () => {
    const client = await open('/delayed')
    client.send({ action: 'auth', token: await gateway.token({ feeds: ['live'] }), id: 1 })
    expect(await client.take('error')).toMatchObject({ code: 409, id: 1 })
    expect(await client.subscribe({ trades: ['MSFT'] })).toMatchObject({ trades: ['MSFT'] })
    await client.close()
  })

  test('lists the symbols of those, and of no other', async () => {
    const authorization = `Bearer ${await gateway.token({ feeds: ['second'] })}`
    const list = (query: string) => fetch(`${gateway.url}/v1/symbols${query}`, { headers: { authorization } })
    expect((await list('?feed=second')).status).toBe(200)
    expect((await list('')).status).toBe(403)
    expect((await list('?feed=delayed')).status).toBe(403)
    const unknown = await list('?feed=other')
    expect([unknown.status, await unknown.json()]).toEqual([
      400,
      { error: 'there is no feed "other" here; expected live, second or delayed' },
    ])
  })
})

describe('a cursor goes from feed to feed', () => {
  test('of a live feed to a delayed one, which goes on there once it has come so far', async () => {
    const client = new ResumingClient({ trades: ['AAPL'] })
    await client.connect(url('live'), await gateway.token())
    const [first, second] = [await publish(), await publish()]
    await waitUntil(() => client.events.length === 2, 'both trades')
    client.cut()
    await client.connect(url('delayed'), await gateway.token())
    const third = await publish()
    await waitUntil(() => client.events.length === 3, 'the third trade')
    expect(performance.now() - third.writtenMs).toBeGreaterThanOrEqual(delayMs)
    expect(pricesOf(client)).toEqual([first.price, second.price, third.price])
    await waitUntil(() => client.resumes === 1, 'the end of the resume')
    expect([client.faults, client.lost, client.recovered]).toEqual([[], [], [true]])
    client.cut()
  })

  test('of a delayed feed to a live one, which goes on from there', async () => {
    const client = new ResumingClient({ trades: ['AAPL'] })
    await client.connect(url('delayed'), await gateway.token())
    const first = await publish()
    await waitUntil(() => client.events.length === 1, 'the first trade')
    const second = await publish()
    client.cut()
    await client.connect(url('live'), await gateway.token())
    await waitUntil(() => client.events.length === 2, 'the second trade')
    expect(performance.now() - second.writtenMs).toBeLessThan(delayMs)
    await waitUntil(() => client.resumes === 1, 'the end of the resume')
    expect(pricesOf(client)).toEqual([first.price, second.price])
    expect([client.faults, client.lost, client.recovered]).toEqual([[], [], [true]])
    client.cut()
  })
})
