import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { exchange, handshakeHead } from '../support/raw-exchange.ts'

/** How long a first request may take; the least there is would be over before a busy machine has answered. */
const authTimeout = { TICKER_AUTH_TIMEOUT_MS: '3000' }
let plain: TestGateway
let encrypted: TestGateway

beforeAll(async () => {
  plain = await startTestGateway(authTimeout)
  encrypted = await startTestGateway({ ...authTimeout, TICKER_TLS_SELF_SIGNED: 'yes' })
})
afterAll(async () => {
  await plain.stop()
  await encrypted.stop()
})

/** The status and the body of the one answer that a text is given before its connection ends. */
async function refusalOf(
  { url }: Pick<TestGateway, 'url'>,
  text: string,
): Promise<{ status: number; body: unknown }> {
  const answer = await exchange(url, text)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.slice(9, 12)), body: JSON.parse(body || 'null') as unknown }
}

const get = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n')
const shake = (head: string): string => `${head}\r\n\r\n`

const refused: readonly (readonly [string, string, number])[] = [
  ['a handshake without a key', shake(handshakeHead.replace(/\r\nSec-WebSocket-Key.*$/, '')), 400],
  ['a handshake with a key that is none', shake(handshakeHead.replace('dGhl', '')), 400],
  [
    'a handshake with a subprotocol twice',
    shake(`${handshakeHead}\r\nSec-WebSocket-Protocol: ticker.v1.json, ticker.v1.json`),
    400,
  ],
  [
    'a handshake with malformed extensions',
    shake(`${handshakeHead}\r\nSec-WebSocket-Extensions: permessage-deflate;;`),
    400,
  ],
  ['a handshake with a malformed path', shake(handshakeHead.replace('/v1/stream', '/%zz')), 400],
  ['a handshake on another path', shake(handshakeHead.replace('/v1/stream', '/v2')), 404],
  ['a handshake without Host', shake(handshakeHead.replace('Host: localhost\r\n', '')), 400],
  ['a handshake of another version', shake(handshakeHead.replace('13', '8')), 426],
  ['a handshake with too much in it', shake(`${handshakeHead}\r\nX: ${'x'.repeat(30_000)}`), 431],
  ['a request without Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['a malformed path', get('/%zz?token=secret'), 400],
  ['a path that is not there', get('/nothing'), 404],
  ['no request of HTTP', 'hello\r\n\r\n', 400],
  ['a request of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a malformed header', get('/v1/symbols', 'X : y'), 400],
  ['a head that is too long', get('/v1/symbols', `X: ${'x'.repeat(30_000)}`), 431],
  ['an expectation that is none', get('/v1/symbols', 'Expect: the-best'), 417],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n', 405],
  ['half a handshake', handshakeHead, 408],
]

/**
 * Cause: what Node, its parser, Fastify's router and ws refuse by themselves was answered in their own way.
 * Symptom: a client that reads the `error` of a refusal found an empty body, text of HTML, or "Bad Request";
 * or no answer at all.
 * Seen: from outside, by handshakes with a damaged header each.
 */
describe('whatever is refused has its status, and says why in JSON', () => {
  test.each(refused)('%s', async (_, text, status) => {
    const refusal = await refusalOf(plain, text)
    expect(refusal).toEqual({ status, body: { error: expect.stringMatching(/ .* /) as string } })
    expect(JSON.stringify(refusal)).not.toContain('secret')
  })

  test.each(refused.filter(([name]) => /half|key|long|no request/.test(name)))(
    '%s, in TLS',
    async (_, text, status) => {
      expect(await refusalOf(encrypted, text)).toEqual({
        status,
        body: { error: expect.stringMatching(/ .* /) as string },
      })
    },
  )
})

test('malformed handshakes are counted', async () => {
  const name = 'ticker_handshakes_refused_total{transport="websocket",reason="malformed"}'
  const before = (await plain.metric(name)) ?? 0
  await exchange(plain.url, shake(handshakeHead.replace('dGhl', '')))
  expect(await plain.metric(name)).toBe(before + 1)
})

// Cause: Node lets go of a connection that asks for CONNECT, and nobody listened for its errors while it was
// answered.
// Symptom: one request of a stranger who reset his connection right behind it ended the process, and with it
// all sessions.
// Seen: reading, for what takes a socket over; then by such a request.
test('a peer that resets its connection, whatever it has sent, does not end the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  const node = await GatewayProcess.start({
    TICKER_DEMO: 'off',
    TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
  })
  onTestFinished(async () => {
    await node.stop()
    await rm(folder, { recursive: true })
  })
  const { url } = node
  const { port } = new URL(url)
  for (const [, text] of [...refused, ['a handshake', shake(handshakeHead), 101] as const])
    for (let index = 0; index < 10; index++) {
      const socket = connect({ port: Number(port), host: '127.0.0.1' }).on('error', () => undefined)
      await once(socket, 'connect')
      await new Promise(sent => socket.write(text, sent))
      socket.resetAndDestroy()
    }
  expect(await refusalOf({ url }, get('/nothing'))).toMatchObject({ status: 404 })
  expect(node.errors).toEqual([])
})
