import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const gateways: TestGateway[] = []
const webSockets: WebSocket[] = []

afterEach(async () => {
  for (const webSocket of webSockets.splice(0)) webSocket.terminate()
  for (const gateway of gateways.splice(0)) await gateway.stop()
})

async function start(env: Readonly<Record<string, string>>): Promise<TestGateway> {
  const gateway = await startTestGateway(env)
  gateways.push(gateway)
  return gateway
}

interface Outcome {
  readonly status: number | undefined
  readonly retryAfter?: string | undefined
  readonly webSocket: WebSocket
}

/** Opens a stream connection; what its handshake was answered with. */
async function handshake(
  gateway: TestGateway,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const webSocket = new WebSocket(gateway.streamUrl, { headers })
  webSockets.push(webSocket)
  const refused = once(webSocket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>
  const opened = once(webSocket, 'open').then(() => undefined)
  const response = await Promise.race([refused.then(([, answer]) => answer), opened])
  return {
    status: response?.statusCode ?? 101,
    retryAfter: response?.headers['retry-after'],
    webSocket,
  }
}

describe('an address', () => {
  test('has so many connections, and a new one when one of them ends', async () => {
    const gateway = await start({ TICKER_MAX_CONNECTIONS_PER_ADDRESS: '2' })
    const first = await handshake(gateway)
    expect([first.status, (await handshake(gateway)).status]).toEqual([101, 101])
    expect(await handshake(gateway)).toMatchObject({ status: 429, retryAfter: '5' })
    expect(await gateway.metric('ticker_handshakes_refused_total{reason="address"}')).toBe(1)
    first.webSocket.terminate()
    await expect.poll(async () => (await handshake(gateway)).status).toBe(101)
  })

  test('that connects again without a pause is slowed down to its rate, then refused', async () => {
    const gateway = await start({ TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND: '2' })
    const startedMs = performance.now()
    // Eight are its burst, at two a second; up to five seconds' worth more may wait.
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => handshake(gateway)))
    const elapsedMs = performance.now() - startedMs
    const accepted = outcomes.filter(({ status }) => status === 101).length
    expect(accepted).toBeGreaterThanOrEqual(18)
    expect(accepted).toBeLessThanOrEqual(8 + 2 * Math.ceil(elapsedMs / 1000))
    expect(outcomes.filter(({ status }) => status === 429)).toHaveLength(30 - accepted)
    expect(elapsedMs).toBeGreaterThan(4000)
    expect(await gateway.metric('ticker_handshakes_delayed_total')).toBe(accepted - 8)
    expect(await gateway.metric('ticker_handshakes_refused_total{reason="rate"}')).toBe(30 - accepted)
  })

  test('is the one that a trusted proxy names', async () => {
    const gateway = await start({
      TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1',
      TICKER_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    })
    const from = (address: string): Promise<Outcome> => handshake(gateway, { 'x-forwarded-for': address })
    expect((await from('192.0.2.1')).status).toBe(101)
    expect((await from('192.0.2.2')).status).toBe(101)
    expect((await from('192.0.2.2')).status).toBe(429)
    // What the client itself wrote before the address that the proxy saw is not believed.
    expect((await from('198.51.100.9, 192.0.2.2')).status).toBe(429)
    expect((await from('198.51.100.9, 192.0.2.3, 10.1.2.3')).status).toBe(101)
    expect((await from('192.0.2.3')).status).toBe(429)
    expect((await from('2001:db8::1')).status).toBe(101)
    expect((await from('2001:db8::2')).status).toBe(429)
  })

  test('is that of the connection where no proxy is trusted, whatever the client says', async () => {
    const gateway = await start({ TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1' })
    expect((await handshake(gateway, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(101)
    expect((await handshake(gateway, { 'x-forwarded-for': '192.0.2.2' })).status).toBe(429)
  })
})

describe('a connection in the clear', () => {
  test('is refused where a trusted proxy says that its client used no TLS', async () => {
    const gateway = await start({ TICKER_TRUSTED_PROXIES: '127.0.0.1' })
    expect((await handshake(gateway, { 'x-forwarded-proto': 'http' })).status).toBe(403)
    expect((await handshake(gateway, { 'x-forwarded-proto': 'http, https' })).status).toBe(403)
    expect((await handshake(gateway, { 'x-forwarded-proto': 'https' })).status).toBe(101)
    const post = await fetch(`${gateway.url}/v1/events`, {
      method: 'POST',
      headers: { 'x-forwarded-proto': 'http' },
    })
    expect(post.status).toBe(403)
    expect(await post.text()).toContain('connect with TLS')
  })
})
