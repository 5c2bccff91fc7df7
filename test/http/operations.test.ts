import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({ TICKER_DEMO: 'on' })
})
afterAll(() => gateway.stop())

describe('GET /v1/symbols', () => {
  const list = async (token: string | undefined): Promise<Response> =>
    fetch(
      `${gateway.url}/v1/symbols`,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    )

  test('lists what has been seen, by channel, as far as the token entitles', async () => {
    await expect
      .poll(() => gateway.metric('ticker_events_total{feed="live",channel="statuses"}'))
      .toBeGreaterThanOrEqual(300)
    const response = await list(await gateway.token({ symbols: ['AAPL', 'NOSUCH'], channels: ['statuses'] }))
    expect(await response.json()).toEqual({ symbols: [{ symbol: 'AAPL', channels: ['statuses'] }] })
  })

  test('asks for a token, and says what is wrong with one', async () => {
    const without = await list(undefined)
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const expired = await list(await gateway.token({ lifetimeS: -60 }))
    expect([expired.status, await expired.json()]).toEqual([401, { error: 'the token was refused: expired' }])
    const other = await list(await gateway.token({ scopes: ['publish'] }))
    expect(other.status).toBe(403)
  })

  test('refuses a user who asks again and again, and no other', async () => {
    const greedy = await gateway.token({ subject: 'greedy' })
    const statuses = []
    for (let count = 0; count < 30; count++) statuses.push((await list(greedy)).status)
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(statuses).toContain(429)
    expect((await list(await gateway.token())).status).toBe(200)
  })
})

describe('the operations listener', () => {
  test('is ready once the log was read', async () => {
    const response = await fetch(`${gateway.operationsUrl}/readyz`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }])
    expect((await fetch(`${gateway.operationsUrl}/healthz`)).status).toBe(200)
  })

  test('serves metrics, and the stream listener does not', async () => {
    const response = await fetch(`${gateway.operationsUrl}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await response.text()).toContain('ticker_build_info{')
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404)
    expect((await fetch(`${gateway.operationsUrl}/v1/symbols`)).status).toBe(404)
  })
})

test('an unknown path is named without its query', async () => {
  const response = await fetch(`${gateway.url}/nothing?token=secret`)
  expect([response.status, await response.json()]).toEqual([
    404,
    { error: 'GET /nothing: there is nothing here' },
  ])
})

test('before Kafka has answered the node is not ready, and says why', async () => {
  const env = {
    TICKER_KAFKA_BROKERS: '127.0.0.1:1',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_MODE: 'development',
  }
  const { startGateway } = await import('../../src/app/gateway.ts')
  const { readConfig } = await import('../../src/config/config-reader.ts')
  const waiting = await startGateway(readConfig(env), { logStream: { write: () => undefined } })
  await expect
    .poll(async () => {
      const ready = await fetch(`${waiting.operationsUrl}/readyz`)
      return [ready.status, await ready.json()]
    })
    .toEqual([
      503,
      {
        status: 'not ready',
        reason: expect.stringMatching(
          /^the log has not answered yet: 127\.0\.0\.1:1: cannot connect.*ECONNREFUSED/,
        ),
      },
    ])
  expect((await fetch(`${waiting.url}/v1/stream`)).status).toBe(503)
  await waiting.stop()
})
