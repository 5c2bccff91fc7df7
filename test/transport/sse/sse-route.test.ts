import { once } from 'node:events'
import { expect, test } from 'vitest'
import { waitUntil } from '../../support/wait-until.ts'
import { numberedTrade, numberedTrades, numbersOf, SseFixture } from './sse-fixture.ts'

test('events come one by one, in the messages of ticker.v1.json', async () => {
  const fixture = await SseFixture.start()
  const client = await fixture.open('trades=AAPL')
  await client.next({ T: 'subscription' })
  await fixture.append([numberedTrade(1), numberedTrade(2, 'MSFT'), numberedTrade(3)])
  await waitUntil(() => numbersOf(client).length === 2, 'two trades')

  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'transfer-encoding': 'chunked',
  })
  expect(client.messages.map(({ T, msg }) => msg ?? T)).toEqual([
    'connected',
    'authenticated',
    'subscription',
    't',
    't',
    'coverage',
  ])
  expect(client.retries).toEqual([expect.any(Number)])
  expect(client.lastEventId).toMatch(/^1;market\.bars:[^;]*;.*;market\.trades:[^:;]+:3$/)
})

test('the session of a response is seen by its transport, and ends with it', async () => {
  const { gateway, ...fixture } = await SseFixture.start().then(started => ({
    gateway: started.gateway,
    open: started.open.bind(started),
  }))
  const client = await fixture.open('trades=AAPL', { grant: { subject: 'ann' } })
  await client.next({ T: 'subscription' })
  expect(gateway.controls.sessions.list().sessions).toMatchObject([
    { subject: 'ann', form: 'ticker.v1.json', items: 1, feed: 'live' },
  ])
  client.cut()
  await waitUntil(() => gateway.controls.sessions.size === 0, 'the end of the session')
  await waitUntil(() => gateway.logLines.some(line => line.includes('connection ended')), 'the line')
  const line = gateway.logLines.find(each => each.includes('connection ended')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    transport: 'sse',
    feed: 'live',
    subject: 'ann',
    items: 1,
    frames: 3,
  })
})

test('a client that comes back with the last id has every event once, again and again', async () => {
  const fixture = await SseFixture.start()
  let lastEventId: string | undefined
  const numbers: unknown[] = []
  for (let round = 0; round < 4; round++) {
    // What is written while nobody is connected comes first.
    await fixture.append(numberedTrades(round * 100, round * 100 + 50))
    const from = lastEventId === undefined ? {} : { lastEventId }
    const client = await fixture.open('trades=*', from)
    if (round > 0) expect(await client.next({ T: 'resumed' })).toMatchObject({ recovered: true })
    else await client.next({ T: 'subscription' })
    await fixture.append(numberedTrades(round * 100 + 50, round * 100 + 100))
    await waitUntil(() => numbersOf(client).at(-1) === round * 100 + 99, 'the last trade')
    client.cut()
    numbers.push(...numbersOf(client))
    lastEventId = client.lastEventId
  }
  expect(numbers).toEqual(Array.from({ length: 350 }, (_, index) => index + 50))
})

test.each([
  ['no symbols', 'trades=', {}, 400, 'trades= is empty; leave it out'],
  ['a token in the query', 'trades=A&access_token=x', {}, 400, 'a token never goes into a URL'],
  ['what no symbol is', 'trades=A"', {}, 400, 'trades: "A\\"" is not a symbol'],
  ['a policy of its own', 'trades=A&policy.trades=some', {}, 400, 'policy.trades="some": expected "every"'],
  ['an interval for nothing', 'trades=A&conflateMs=250', {}, 400, 'conflateMs: every event of trades'],
  ['too long an interval', 'quotes=A&conflateMs=999999', {}, 400, 'expected whole milliseconds, 0 to 120000'],
  ['a filter of an unknown field', 'trades=A&where={"trades":{"x5":{"eq":1}}}', {}, 400, 'x5'],
  ['an id of nowhere', 'trades=A', { lastEventId: '42' }, 400, 'Last-Event-ID is not the id of an event'],
  [
    'an id of another node',
    'trades=A',
    { lastEventId: '1;elsewhere:Vx0w:3mv' },
    400,
    'cursor: topic elsewhere: this node does not read it',
  ],
  ['an unknown feed', 'trades=A&feed=late', {}, 404, 'there is no feed "late" here'],
  ['another type', 'trades=A', { headers: { accept: 'application/json' } }, 406, 'Accept: text/event-stream'],
  ['a broken token', 'trades=A', { token: 'eA.eA.eA' }, 401, 'the token was refused: malformed'],
  ['another scheme', 'trades=A', { headers: { authorization: 'Basic eA==' } }, 401, 'not Basic'],
  ['no stream', 'trades=A', { grant: { scopes: ['publish'] } }, 403, 'scope "stream"'],
  ['no feed', 'trades=A', { grant: { feeds: ['delayed'] } }, 403, 'live'],
  ['no right', 'trades=A,B', { grant: { symbols: ['A'] } }, 403, 'trades/B: the token does not allow it'],
  ['a page from anywhere', 'trades=A', { headers: { origin: 'https://evil.example' } }, 403, 'Origin https'],
] as const)('%s is refused: %s', async (_what, query, options, status, error) => {
  const fixture = await SseFixture.start()
  const client = await fixture.open(query, options)
  await client.ended()
  expect([client.status, JSON.parse(client.text).error]).toEqual([status, expect.stringContaining(error)])
  expect(fixture.gateway.controls.sessions.size).toBe(0)
  const challenge = client.headers['www-authenticate']
  if (status === 401) expect(challenge).toMatch(/^Bearer/)
})

test('a request without a token is told how to send it', async () => {
  const fixture = await SseFixture.start()
  const response = await fetch(fixture.url('trades=A'), { headers: { accept: 'text/event-stream' } })
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect(await response.json()).toEqual({
    error: expect.stringContaining('expected the header Authorization: Bearer TOKEN'),
  })
})

test.each([
  ['TICKER_MAX_SESSIONS_PER_USER', 429, 'this user has all of its 1 sessions'],
  ['TICKER_MAX_SESSIONS', 503, 'this node has all of its 1 sessions'],
  ['TICKER_MAX_CONNECTIONS_PER_ADDRESS', 429, 'too many connections from this address'],
])('one more than %s is told to come back', async (variable, status, error) => {
  const fixture = await SseFixture.start({ [variable]: '1' })
  await (await fixture.open('trades=A')).next({ T: 'subscription' })
  const second = await fixture.open('trades=A')
  await second.ended()
  expect([second.status, JSON.parse(second.text).error]).toEqual([status, expect.stringContaining(error)])
  expect(second.headers['retry-after']).toMatch(/^\d+$/)
})

test('HEAD has the header fields of the response, and begins no session', async () => {
  const fixture = await SseFixture.start()
  const headers = { authorization: `Bearer ${await fixture.gateway.token()}` }
  const response = await fetch(fixture.url('trades=A'), { method: 'HEAD', headers })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(await response.text()).toBe('')
  expect(fixture.gateway.controls.sessions.size).toBe(0)
})

test('a page of an allowed origin may ask and read, any other may not', async () => {
  const fixture = await SseFixture.start({ TICKER_ALLOWED_ORIGINS: 'https://app.example' })
  const preflight = (origin: string, method: string) =>
    fetch(fixture.url('trades=A'), {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,last-event-id',
      },
    })
  const allowed = await preflight('https://app.example', 'GET')
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
    204,
    'https://app.example',
  ])
  expect(allowed.headers.get('access-control-allow-headers')).toBe(
    'Authorization, Cache-Control, Last-Event-ID',
  )
  expect(allowed.headers.get('vary')).toContain('Origin')
  for (const response of [
    await preflight('https://evil.example', 'GET'),
    await preflight('https://app.example', 'POST'),
  ])
    expect(response.headers.get('access-control-allow-methods')).toBeNull()
  expect(
    (await preflight('https://evil.example', 'GET')).headers.get('access-control-allow-origin'),
  ).toBeNull()

  const client = await fixture.open('trades=A', { headers: { origin: 'https://app.example' } })
  expect(client.headers['access-control-allow-origin']).toBe('https://app.example')
  const refused = await fixture.open('trades=', { headers: { origin: 'https://app.example' } })
  expect(refused.headers['access-control-allow-origin']).toBe('https://app.example')
})

test('a client that accepts gzip gets shared events compressed, each as it comes', async () => {
  const fixture = await SseFixture.start()
  const clients = [
    await fixture.open('trades=*', { headers: { 'accept-encoding': 'gzip, deflate, br' } }),
    await fixture.open('trades=*', { headers: { 'accept-encoding': 'gzip' } }),
  ]
  for (const client of clients) await client.next({ T: 'subscription' })
  await fixture.append(numberedTrades(0, 200))
  for (const client of clients) {
    await waitUntil(() => numbersOf(client).length === 200, 'the trades')
    expect(client.headers['content-encoding']).toBe('gzip')
    expect(client.text.length).toBeGreaterThan(client.bodyBytes * 2)
  }
  await fixture.gateway.leave()
  // With a wrong checksum the body would end in an error.
  for (const client of clients) await client.ended()
})

test('without compression by the node nothing is compressed', async () => {
  const fixture = await SseFixture.start({ TICKER_DEFLATE: 'off' })
  const client = await fixture.open('trades=*', { headers: { 'accept-encoding': 'gzip' } })
  expect(client.headers['content-encoding']).toBeUndefined()
})

test('a node that leaves says so, when, and that the client is to come back at once', async () => {
  const fixture = await SseFixture.start({ TICKER_DRAIN_MS: '300' })
  const client = await fixture.open('trades=*')
  await client.next({ T: 'subscription' })
  const closed = once(client.response.socket, 'close')
  void fixture.gateway.leave()
  await client.ended()
  expect(client.messages.slice(-2)).toEqual([
    { T: 'shutdown', reconnectInMs: expect.any(Number), positions: expect.any(Array) },
    { T: 'closing', reason: 'draining', next: 'reconnect' },
  ])
  expect(client.retries.at(-1)).toBeLessThanOrEqual(1000)
  await closed
})

test('a session that the operator ends is told to stay away', async () => {
  const fixture = await SseFixture.start()
  const client = await fixture.open('trades=*')
  await client.next({ T: 'subscription' })
  fixture.gateway.controls.sessions.end(1)
  await client.ended()
  expect(client.messages.at(-1)).toEqual({ T: 'closing', reason: 'dismissed', next: 'stop' })
  expect(client.retries.at(-1)).toBeGreaterThanOrEqual(60_000)
})

test('a response ends when its token expires, and a request with it is 401', async () => {
  const fixture = await SseFixture.start({ TICKER_JWT_CLOCK_TOLERANCE_S: '0' })
  const token = await fixture.gateway.token({ lifetimeS: 2 })
  const client = await fixture.open('trades=*', { token })
  await client.ended()
  expect(client.messages.slice(-2)).toEqual([
    { T: 'error', code: 401, msg: 'not authenticated', detail: expect.stringContaining('expired') },
    { T: 'closing', reason: 'tokenExpired', next: 'reconnect' },
  ])
  const second = await fixture.open('trades=*', { token, lastEventId: client.lastEventId ?? '' })
  expect(second.status).toBe(401)
})

test('a client that reads nothing for too long is told so, and goes on from its id', async () => {
  const fixture = await SseFixture.start({ TICKER_SLOW_TIMEOUT_MS: '1000', TICKER_HEARTBEAT_MS: '200' })
  const client = await fixture.open('trades=*')
  await client.next({ T: 'subscription' })
  client.response.pause()
  const { sessions } = fixture.gateway.controls
  let made = 0
  while (sessions.list().sessions.some(({ state }) => state === 'live')) {
    await fixture.append(numberedTrades(made, made + 2000))
    made += 2000
  }
  client.response.resume()
  await client.closed
  // What the kernel had comes whole; whether the last messages do depends on how much it had.
  const numbers = numbersOf(client)
  expect(numbers).toEqual(Array.from(numbers, (_, index) => index))
  const { lastEventId = '' } = client
  const second = await fixture.open('trades=*', { lastEventId })
  await second.next({ T: 'resumed', recovered: true })
  await waitUntil(() => numbersOf(second).at(-1) === made - 1, 'the rest')
  expect(numbersOf(second)).toEqual(
    Array.from({ length: made - numbers.length }, (_, index) => numbers.length + index),
  )
})
