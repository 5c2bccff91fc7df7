import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { clockOf } from '../support/test-clock.ts'
import { StreamClient } from '../support/stream-client.ts'

const adminToken = 'a-token-of-the-tests-alone-'.repeat(2)
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({ TICKER_ADMIN_TOKEN: adminToken, TICKER_ADMIN_PORT: '0' })
})
afterAll(() => gateway?.stop())

async function revoke(tokens: object): Promise<void> {
  const response = await fetch(`${gateway.administrationUrl}/v1/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(tokens),
  })
  expect(response.status).toBe(201)
}

/** What the gateway answers a token everywhere. */
async function answersTo(token: string): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const client = new StreamClient(gateway.streamUrl, { headers: { authorization: `Bearer ${token}` } })
  const [, answer] = await client.takeMany(2)
  const list = await fetch(`${gateway.url}/v1/symbols`, { headers })
  const body = JSON.stringify([{ T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' }])
  const post = await fetch(`${gateway.url}/v1/events`, { method: 'POST', headers, body })
  const listed: unknown = list.ok ? undefined : await list.json()
  await client.close()
  return [answer?.['msg'], list.status, post.status, listed]
}

// Cause: a revocation covered what was issued up to its own moment, by the gateway's clock alone.
// Symptom: a user whose token came from an issuer with a clock 3 s fast kept it, though it was there before
// the revocation.
// Seen: from outside, with such an issuer.
test('a revoked user is out everywhere at once; others are not, nor are tokens made later', async () => {
  const token = await gateway.token({ subject: 'ann', scopes: ['stream', 'publish'] })
  const other = await gateway.token({ subject: 'bob', scopes: ['stream', 'publish'] })
  const client = await StreamClient.open(gateway.streamUrl, token)
  const otherClient = await StreamClient.open(gateway.streamUrl, other)
  expect(await answersTo(token)).toEqual(['authenticated', 200, 200, undefined])

  await revoke({ sub: 'ann' })

  expect(await client.closed()).toEqual({ code: 4502, reason: 'token revoked' })
  const refused = { error: 'the token was refused: revoked' }
  expect(await answersTo(token)).toEqual(['auth failed', 401, 401, refused])
  expect(await answersTo(other)).toEqual(['authenticated', 200, 200, undefined])
  // A clock 3 s fast, whose tokens look as if they were made later.
  const issuedIn = async (ms: number): Promise<string> => {
    const clock = clockOf(() => Date.now() + ms)
    return await gateway.token({ subject: 'ann', scopes: ['stream', 'publish'], clock })
  }
  expect(await answersTo(await issuedIn(3000))).toEqual(['auth failed', 401, 401, refused])
  const revokedMs = Date.now()
  await vi.waitUntil(() => Math.floor(Date.now() / 1000) * 1000 > revokedMs)
  expect(await answersTo(await issuedIn(5000))).toEqual(['authenticated', 200, 200, undefined])
  expect(await gateway.metric('ticker_tokens_refused_total{reason="revoked"}')).toBe(2)
  expect(
    await gateway.metric('ticker_sessions_closed_total{transport="websocket",reason="token_revoked"}'),
  ).toBe(1)
  expect(await gateway.metric('ticker_revocations')).toBe(1)
  await otherClient.close()
})

test('a session that goes on under a further token narrows to it, over a real socket', async () => {
  const client = await StreamClient.open(gateway.streamUrl, await gateway.token({ subject: 'cleo' }))
  await client.subscribe({ trades: ['AAPL', 'MSFT'] })
  client.send({ action: 'auth', token: await gateway.token({ subject: 'cleo', symbols: ['MSFT'] }), id: 1 })
  expect(await client.takeMany(2)).toMatchObject([{ msg: 'authenticated', id: 1 }, { trades: ['MSFT'] }])
  client.send({ action: 'auth', token: await gateway.token({ subject: 'dan' }) })
  expect(await client.next()).toMatchObject({ code: 402, msg: 'auth failed' })
  expect(await client.subscribe({ quotes: ['MSFT'] })).toMatchObject({ quotes: ['MSFT'] })
  await client.close()
})
