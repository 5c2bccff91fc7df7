import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
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
  headers: Readonly<Record<string, string | string[]>> = {},
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

async function ask(
  gateway: TestGateway,
  path: string,
  agent = new Agent({ keepAlive: false }),
): Promise<number | undefined> {
  const [response] = (await once(get(`${gateway.url}${path}`, { agent }), 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

describe('an address', () => {
  test('has so many connections, and a new one when one of them ends', async () => {
    const gateway = await start({ TICKER_MAX_CONNECTIONS_PER_ADDRESS: '2' })
    const first = await handshake(gateway)
    expect([first.status, (await handshake(gateway)).status]).toEqual([101, 101])
    expect(await handshake(gateway)).toMatchObject({ status: 429, retryAfter: '5' })
    expect(
      await gateway.metric('ticker_handshakes_refused_total{transport="websocket",reason="address"}'),
    ).toBe(1)
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
    expect(await gateway.metric('ticker_handshakes_refused_total{transport="websocket",reason="rate"}')).toBe(
      30 - accepted,
    )
  })

  /**
   * Cause: only streams and connections without a request were counted; one that had asked for anything by
   * plain HTTP was neither.
   * Symptom: one address held all connections of a node with a `GET` now and then, and nobody else came in.
   * Seen: from outside, 500 connections of 500 with a request each 30 s, under limits of 10 and 20.
   */
  test('is limited in plain HTTP connections, too, and may open another when one ends', async () => {
    const gateway = await start({ TICKER_MAX_CONNECTIONS_PER_ADDRESS: '2' })
    const kept = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })]
    const [first] = kept
    expect(await ask(gateway, '/v1/symbols', kept[0])).toBe(401)
    expect(await ask(gateway, '/nothing', kept[1])).toBe(404)
    expect(await ask(gateway, '/v1/stream')).toBe(429)
    // Those that have a place keep it, and streams have places of their own.
    expect(await ask(gateway, '/nothing', first)).toBe(404)
    expect((await handshake(gateway)).status).toBe(101)
    expect(await gateway.metric('ticker_handshakes_refused_total{transport="plain",reason="address"}')).toBe(
      1,
    )
    first?.destroy()
    await expect.poll(() => ask(gateway, '/nothing')).toBe(404)
    kept[1]?.destroy()
  })

  test('is the one that a trusted proxy names', async () => {
    const gateway = await start({
      TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1',
      TICKER_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    })
    const from = (address: string): Promise<Outcome> =>
      handshake(gateway, { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })
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

  /**
   * Cause: an address with a port behind it was taken for a name of its own, and no name is a trusted proxy.
   * Symptom: behind a proxy that writes ports, each connection had an address of its own, and limits per
   * address did nothing.
   * Seen: from outside, behind Azure's Application Gateway, which writes 192.0.2.1:4711.
   */
  test('is the same with a port, in brackets, mapped, or in Forwarded', async () => {
    const gateway = await start({
      TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1',
      TICKER_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    })
    const from = async (address: string): Promise<number | undefined> =>
      (await handshake(gateway, { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })).status
    const forwarded = async (header: string): Promise<number | undefined> =>
      (await handshake(gateway, { forwarded: header })).status

    expect(await from('192.0.2.1:4711')).toBe(101)
    expect(await from('192.0.2.1:4712')).toBe(429)
    expect(await from('192.0.2.1:4713, 10.1.2.3:80')).toBe(429)
    expect(await forwarded('for="192.0.2.1:4714";proto=https, for=10.1.2.3;proto=http')).toBe(429)
    expect(await from('[::ffff:192.0.2.1]:4715')).toBe(429)
    expect(await forwarded('For="[2001:db8::1]:4711";Proto=HTTPS')).toBe(101)
    expect(await from('[2001:db8::2]:4711')).toBe(429)
  })

  test('is that of the connection where no proxy is trusted, whatever the client says', async () => {
    const gateway = await start({ TICKER_MAX_CONNECTIONS_PER_ADDRESS: '1' })
    expect((await handshake(gateway, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(101)
    expect((await handshake(gateway, { 'x-forwarded-for': '192.0.2.2' })).status).toBe(429)
  })
})

describe('a connection in the clear', () => {
  /**
   * Cause: of X-Forwarded-Proto the first word was compared as it stands, and a missing one counted as https.
   * Symptom: HTTPS and WSS were refused; a client that wrote https itself, or a proxy that wrote nothing,
   * came in unencrypted.
   * Seen: from outside, with two values and with none.
   */
  test.each<[string, Readonly<Record<string, string | string[]>>, number]>([
    ['says http', { 'x-forwarded-proto': 'http' }, 403],
    ['says nothing', {}, 403],
    ['names the client and no scheme', { 'x-forwarded-for': '192.0.2.1' }, 403],
    ['says https', { 'x-forwarded-proto': 'https' }, 101],
    ['says HTTPS', { 'x-forwarded-proto': 'HTTPS' }, 101],
    ['says WSS', { 'x-forwarded-proto': 'WSS' }, 101],
    ['says http, behind what its client says', { 'x-forwarded-proto': ['https', 'http'] }, 403],
    ['says https, behind what its client says', { 'x-forwarded-proto': 'http, https' }, 101],
    ['says http in Forwarded', { forwarded: 'for=192.0.2.1;proto=http' }, 403],
    ['says https in Forwarded', { forwarded: 'for=192.0.2.1;proto=https' }, 101],
    ['writes a malformed Forwarded', { forwarded: 'for="192.0.2.1;proto=https' }, 403],
    [
      'hands on a Forwarded that its client wrote',
      { 'x-forwarded-proto': 'http', forwarded: 'proto=https' },
      403,
    ],
  ])('from a trusted proxy that %s is answered with its status', async (_, headers, status) => {
    const gateway = await start({ TICKER_TRUSTED_PROXIES: '127.0.0.1' })
    expect((await handshake(gateway, headers)).status).toBe(status)
  })

  test('is refused on every path', async () => {
    const gateway = await start({ TICKER_TRUSTED_PROXIES: '127.0.0.1' })
    const post = await fetch(`${gateway.url}/v1/events`, {
      method: 'POST',
      headers: { 'x-forwarded-proto': 'http' },
    })
    expect(post.status).toBe(403)
    expect(await post.text()).toContain('connect with TLS')
  })
})
