import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

// Cause: a token had at most 8,192 bytes, and a request's header fields 16 kB, whatever a message may have.
// Symptom: a token for 800 symbols was refused as "malformed" (402, 4501), or with 431; nothing said that it
// was too long.
// Seen: from outside.

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

/** A token for as many symbols as make it about so long. */
async function tokenOf(bytes: number): Promise<string> {
  const symbols = Array.from({ length: Math.floor((bytes - 600) / 12) }, (_, index) => `S${10_000 + index}`)
  return await gateway.token({ scopes: ['stream', 'publish'], symbols })
}

const headersOf = (token: string) => ({ authorization: `Bearer ${token}` })

test('a token as long as a message may be is taken in a message', async () => {
  const token = await tokenOf(65_000)
  expect(token.length).toBeGreaterThan(60_000)
  const client = await StreamClient.open(gateway.streamUrl, token)
  const { trades } = await client.subscribe({ trades: ['S10000', 'S15000'] })
  expect(trades).toEqual(['S10000', 'S15000'])
  await client.close()
})

test('a longer one is as long a message, which ends the connection with 1009', async () => {
  const client = new StreamClient(gateway.streamUrl)
  await client.take('success')
  client.send({ action: 'auth', token: await tokenOf(67_000) })
  expect(await client.closed()).toMatchObject({ code: 1009 })
})

test('a token of up to 16 kB is taken in a header: of a handshake, a list of symbols, events', async () => {
  const token = await tokenOf(16_300)
  expect(token.length).toBeGreaterThan(15_800)
  const headers = headersOf(token)
  const client = new StreamClient(gateway.streamUrl, { headers })
  expect((await client.takeMany(2)).map(({ msg }) => msg)).toEqual(['connected', 'authenticated'])
  await client.close()

  const symbols = await fetch(`${gateway.url}/v1/symbols`, { headers })
  expect(symbols.status).toBe(200)
  const events = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ T: 't', S: 'S10000', p: 1, s: 1, t: '2026-01-02T14:30:00Z' }),
  })
  expect(await events.json()).toMatchObject({ failed: 0 })
})

test('a longer header is answered with where such a token goes', async () => {
  const headers = headersOf(await tokenOf(24_000))
  const refused = await fetch(`${gateway.url}/v1/symbols`, { headers })
  expect([refused.status, await refused.json()]).toEqual([
    431,
    {
      error:
        'the header fields of the request come to more than 20480 bytes; a token of more than 16384 goes into the "auth" message of the stream',
    },
  ])
  const handshake = await fetch(`${gateway.url}/v1/stream`, { headers })
  expect(handshake.status).toBe(431)
})

// Cause: every request was refused while the token of the handshake was checked, which takes as long as it
// takes.
// Symptom: a client that subscribed as soon as its connection was open was refused at random, 19 times of 30.
// Seen: from outside, with the package ws.
test('a client may send its first request with the handshake, every time', async () => {
  const headers = headersOf(await gateway.token())
  for (let count = 0; count < 30; count++) {
    const client = new StreamClient(gateway.streamUrl, { headers })
    client.webSocket.on('open', () => client.send({ action: 'subscribe', trades: ['AAPL'], id: count }))
    const [, , subscription] = await client.takeMany(3)
    expect(subscription).toMatchObject({ T: 'subscription', id: count, trades: ['AAPL'] })
    await client.close()
  }
})

test('another scheme in the handshake is said to be wrong, and a token may still come', async () => {
  const client = new StreamClient(gateway.streamUrl, { headers: { authorization: 'Basic YW5uOng=' } })
  const [, error] = await client.takeMany(2)
  expect(error).toMatchObject({
    code: 401,
    detail:
      'Authorization: expected the scheme Bearer, not Basic; a token may still come in an "auth" message',
  })
  client.send({ action: 'auth', token: await gateway.token() })
  expect(await client.next()).toMatchObject({ msg: 'authenticated' })
  await client.close()
})

test.each([
  ['Bearer', (token: string) => `Bearer ${token}`, 'begins with "Bearer"'],
  ['quotes', (token: string) => `"${token}"`, 'quotes around it'],
  ['a line end', (token: string) => `${token}\n`, 'white space around it'],
])('a token with %s around it is refused with what is wrong', async (_what, around, fault) => {
  const client = new StreamClient(gateway.streamUrl)
  await client.take('success')
  client.send({ action: 'auth', token: around(await gateway.token()) })
  const { code, detail } = await client.take('error')
  expect(code).toBe(402)
  expect(detail).toContain(fault)
  expect((await client.closed()).code).toBe(4501)
})

test('a request with another scheme, or quotes around its token, gets the reason', async () => {
  const errorOf = async (authorization: string) => {
    const response = await fetch(`${gateway.url}/v1/symbols`, { headers: { authorization } })
    return [response.status, await response.json()]
  }
  expect(await errorOf('Basic YW5uOng=')).toEqual([
    401,
    { error: 'Authorization: expected the scheme Bearer, not Basic' },
  ])
  expect(await errorOf(`Bearer "${await gateway.token()}"`)).toEqual([
    401,
    { error: 'the token was refused: malformed (quotes around it)' },
  ])
})
