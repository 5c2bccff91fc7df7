import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { StreamClient } from '../../support/stream-client.ts'
import { startBareStream } from '../../support/bare-stream.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'

let gateway: TestGateway
let token: string

beforeAll(async () => {
  gateway = await startTestGateway({ TICKER_AUTH_TIMEOUT_MS: '1000', TICKER_HEARTBEAT_MS: '200' })
  token = await gateway.token()
})
afterAll(() => gateway.stop())

/** The answer to a handshake that is refused. */
async function refusal(client: StreamClient): Promise<{ status: number | undefined; body: string }> {
  const [, response] = (await once(client.webSocket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode?: number },
  ]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode, body }
}

describe('a handshake', () => {
  test('without a subprotocol gets the JSON form, and none is named', async () => {
    const client = await StreamClient.open(gateway.streamUrl, token)
    expect(client.webSocket.protocol).toBe('')
    await client.close()
  })

  test('that offers several subprotocols gets the first one known', async () => {
    const client = new StreamClient(gateway.streamUrl, { protocols: ['ticker.v9.zip', 'ticker.v1.json'] })
    await client.take('success')
    expect(client.webSocket.protocol).toBe('ticker.v1.json')
    await client.close()
  })

  test('that offers none that is known is refused with the known ones', async () => {
    const client = new StreamClient(gateway.streamUrl, { protocols: ['graphql-ws'] })
    expect(await refusal(client)).toEqual({
      status: 400,
      body: '{"error":"Sec-WebSocket-Protocol graphql-ws: expected ticker.v1.json, ticker.v1.tape, or none"}',
    })
  })

  test('with a token in the URL is refused, and the token is not logged', async () => {
    const client = new StreamClient(`${gateway.streamUrl}?token=${token}`)
    expect(await refusal(client)).toMatchObject({
      status: 400,
      body: expect.stringContaining('never into a URL'),
    })
    expect(gateway.logLines.join('')).not.toContain(token)
    expect(
      await gateway.metric('ticker_handshakes_refused_total{transport="websocket",reason="query"}'),
    ).toBe(1)
  })

  test('from a foreign origin is refused, from loopback or without one not', async () => {
    const foreign = new StreamClient(gateway.streamUrl, { origin: 'https://evil.example' })
    expect(await refusal(foreign)).toMatchObject({ status: 403 })
    const local = new StreamClient(gateway.streamUrl, { origin: 'http://localhost:3000' })
    await local.take('success')
    await local.close()
  })

  test('with a good Authorization header is authenticated by it', async () => {
    const client = new StreamClient(gateway.streamUrl, { headers: { authorization: `Bearer ${token}` } })
    expect(await client.takeMany(2)).toMatchObject([{ msg: 'connected' }, { msg: 'authenticated' }])
    await client.close()
  })

  test('with a bad Authorization header ends like a bad auth message', async () => {
    const client = new StreamClient(gateway.streamUrl, { headers: { authorization: 'Bearer nonsense' } })
    expect(await client.takeMany(2)).toMatchObject([
      { msg: 'connected' },
      { code: 402, detail: 'the token was refused: malformed (not a signed JWT in compact form)' },
    ])
    expect(await client.closed()).toEqual({ code: 4501, reason: 'unauthorized' })
  })

  test('on another path is refused, and its query is not logged', async () => {
    for (const path of ['/v1/symbols', '/', '/page/client.js']) {
      const client = new StreamClient(gateway.streamUrl.replace('/v1/stream', `${path}?token=${token}`))
      expect(await refusal(client)).toMatchObject({ status: 404 })
    }
    expect(gateway.logLines.join('')).not.toContain(token)
  })

  test('of plain HTTP is answered that this is a WebSocket', async () => {
    const response = await fetch(`${gateway.url}/v1/stream`)
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
  })
})

describe('a connection', () => {
  test('without a token is closed after the authentication time', async () => {
    const client = new StreamClient(gateway.streamUrl)
    expect(await client.takeMany(2)).toMatchObject([{ msg: 'connected' }, { code: 404, msg: 'auth timeout' }])
    expect(await client.closed()).toEqual({ code: 4004, reason: 'authentication timeout' })
  })

  test('that took its time for the handshake has so much less for its token', async () => {
    const clock = await StreamClient.open(gateway.streamUrl, token)
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    socket.write('GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n')
    // The second heartbeat comes 200 ms after the first.
    await clock.heartbeat()
    await clock.heartbeat()
    await clock.close()
    // It connects before the request is complete, and has the whole time.
    const other = new StreamClient(gateway.streamUrl)
    await other.take('success')
    socket.write(
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    await other.closed()
    expect(text).toContain('auth timeout')
    socket.destroy()
  })

  test('takes no binary messages and goes on', async () => {
    const client = await StreamClient.open(gateway.streamUrl, token)
    client.webSocket.send(Buffer.from('{"action":"subscribe"}'))
    expect(await client.next()).toMatchObject({
      code: 400,
      detail: 'a binary message; expected JSON in a text message',
    })
    await client.subscribe({ trades: ['AAPL'] })
    await client.close()
  })

  // Cause: `ws` closes by itself, without a reason, and reads nothing more, so the log's line had the code
  // 1006 alone.
  // Symptom: a client whose cursor was too long reconnected for ever, and nobody could see why.
  // Seen: a review resumed over 800 partitions.
  test('with a message longer than allowed is closed with 1009, and the log says why', async () => {
    const client = await StreamClient.open(gateway.streamUrl, token)
    client.send({ action: 'subscribe', id: 'x'.repeat(70_000) })
    expect(await client.closed()).toEqual({
      code: 1009,
      reason: 'a message of more than 65536 bytes; sent again, it ends the connection again',
    })
    await expect.poll(() => gateway.logLines.join('')).toContain('"fault":"Max payload size exceeded"')
  })

  test('leaves one line in the log, with who and how much, and no token', async () => {
    const client = await StreamClient.open(gateway.streamUrl, await gateway.token({ subject: 'line-test' }))
    await client.subscribe({ trades: ['AAPL', 'MSFT'] })
    await client.close()
    await expect.poll(() => gateway.logLines.filter(line => line.includes('line-test')).length).toBe(1)
    const line = JSON.parse(gateway.logLines.find(candidate => candidate.includes('line-test'))!) as object
    expect(line).toMatchObject({
      msg: 'connection ended',
      code: 1005,
      subject: 'line-test',
      items: 2,
      messages: 2,
    })
  })
})

describe('a reader that stops', () => {
  test('holds back nobody, costs little, and gets everything once it reads again', async () => {
    const { feed, sessions, url, stop } = await startBareStream({})
    const partition = { topic: 'market', partition: 0 }
    let offset = 0
    feed.advance({ partition, epoch: 'e', offset }, offset)
    const reader = await StreamClient.open(url, 'x')
    await reader.subscribe({ trades: ['*'] })
    const stopped = await StreamClient.open(url, 'x')
    await stopped.subscribe({ trades: ['*'] })
    stopped.webSocket.pause()
    const publish = (count: number): void => {
      for (let index = 0; index < count; index++) {
        const event: MarketEvent = { T: 't', S: 'AAPL', i: offset, p: 1, s: 1, t: '2026-01-02T14:30:00Z' }
        feed.add(event, { partition: feed.numberOf(partition), offset: offset++, writtenMs: 0 })
      }
      feed.advance({ partition, epoch: 'e', offset }, offset)
      feed.flush()
    }
    // The kernel takes megabytes before Node's queue grows: publish until the gateway sees it, and as much
    // again.
    let rounds = 0
    for (; sessions.feeds.first.readers.behind.unsent === 0 && rounds < 400; rounds++) {
      publish(500)
      await new Promise(resolve => setImmediate(resolve))
    }
    for (let round = 0; round < rounds; round++) publish(500)
    const [, held] = sessions.list().sessions.map(({ unsentBytes }) => unsentBytes)
    expect(held).toBeLessThan(3 * 65_536 + 1024)
    const all = Array.from({ length: offset }, (_, index) => index)
    expect((await reader.takeMany(offset)).map(message => message['i'])).toEqual(all)
    stopped.webSocket.resume()
    expect((await stopped.takeMany(offset)).map(message => message['i'])).toEqual(all)
    await expect.poll(() => sessions.feeds.first.readers.behind.unsent).toBe(0)
    await Promise.all([reader.close(), stopped.close()])
    await stop()
  })

  test('for too long gets 407 and is cut off', async () => {
    const { feed, sessions, url, stop } = await startBareStream({ slowTimeoutMs: 100 })
    const stopped = await StreamClient.open(url, 'x')
    await stopped.subscribe({ trades: ['*'] })
    stopped.webSocket.pause()
    for (let i = 0; sessions.feeds.first.readers.behind.unsent === 0 && i < 2_000_000; ) {
      for (let index = 0; index < 500; index++, i++) {
        const event: MarketEvent = { T: 't', S: 'AAPL', i, p: 1, s: 1, t: '2026-01-02T14:30:00Z' }
        feed.add(event, { partition: 0, offset: 0, writtenMs: 0 })
      }
      feed.flush()
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect.poll(() => sessions.counts.errors[407]).toBe(1)
    // The peer never takes the close frame, so the connection is cut.
    await expect.poll(() => sessions.size).toBe(0)
    await stop()
  })

  test('of pings is cut off', async () => {
    const own = await startTestGateway({ TICKER_PING_MS: '1000' })
    const socket = connect(Number(new URL(own.url).port), '127.0.0.1')
    socket.write(
      'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    socket.on('data', () => undefined)
    await once(socket, 'close')
    expect(
      await own.metric('ticker_sessions_closed_total{transport="websocket",reason="no_answer_to_pings"}'),
    ).toBe(1)
    expect(await own.metric('ticker_connections{transport="websocket"}')).toBe(0)
    await own.stop()
  })
})
