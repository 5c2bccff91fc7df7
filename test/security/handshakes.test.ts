import { expect, test } from 'vitest'
import { StreamClient } from '../support/stream-client.ts'
import { handshake, RawPeer } from './raw-peer.ts'
import { attackedGateway } from './attacked-gateway.ts'

/** Half of the default, so that the test is not longer than it must be. */
const handshakeMs = 5000
const attacked = attackedGateway({ TICKER_AUTH_TIMEOUT_MS: String(handshakeMs) })

/** 250 addresses at a time. */
const addressOf = (index: number): string => `127.0.${20 + Math.floor(index / 250)}.${1 + (index % 250)}`

async function statusOf(text: string): Promise<string> {
  const peer = await RawPeer.connect(attacked(), '127.0.4.1')
  peer.send(text)
  await peer.until(() => peer.text.includes('\r\n'))
  peer.leave()
  return peer.text.slice(9, 12)
}

test.each<[string, string, string]>([
  ['from a foreign origin', `${handshake}\r\nOrigin: https://evil.example\r\n\r\n`, '403'],
  ['from the origin null', `${handshake}\r\nOrigin: null\r\n\r\n`, '403'],
  [
    'from an origin that only begins like a good one',
    `${handshake}\r\nOrigin: http://localhost.evil.example\r\n\r\n`,
    '403',
  ],
  ['with two origins', `${handshake}\r\nOrigin: http://localhost, https://evil.example\r\n\r\n`, '403'],
  ['with a subprotocol that is not known', `${handshake}\r\nSec-WebSocket-Protocol: x\r\n\r\n`, '400'],
  // Browsers of that draft do not send Origin, so it would come past the allow-list.
  ['of the draft before RFC 6455', `${handshake.replace('13', '8')}\r\n\r\n`, '426'],
  ['without a key', `${handshake.replace(/\r\nSec-WebSocket-Key.*$/, '')}\r\n\r\n`, '400'],
  ['by POST', `${handshake.replace('GET', 'POST')}\r\nContent-Length: 2\r\n\r\n{}`, '404'],
])('a handshake %s is refused', async (_, text, status) => {
  expect(await statusOf(text)).toBe(status)
})

test('the answer to an offer of compression says that no message builds on another', async () => {
  const peer = await RawPeer.connect(attacked(), '127.0.4.1')
  peer.send(`${handshake}\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n`)
  await peer.until(() => peer.text.includes('\r\n\r\n'))
  peer.leave()

  expect(peer.text).toMatch(/^HTTP\/1\.1 101 /)
  expect(/^sec-websocket-extensions: (.*)\r$/im.exec(peer.text)?.[1]).toBe(
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12',
  )
})

test('a body on the stream path is no handshake, nor is what follows it', async () => {
  const peer = await RawPeer.connect(attacked(), '127.0.4.1')
  peer.send(
    `${handshake.replace('Connection: Upgrade\r\nUpgrade: websocket\r\n', '')}\r\nContent-Length: 9\r\n\r\n{"x":"y"}`,
  )
  await peer.until(() => peer.text.includes('426'))
  peer.leave()

  expect(peer.text).toMatch(/^HTTP\/1\.1 426 /)
})

test('500 slow handshakes are ended in time, and meanwhile nobody waits for them', async () => {
  const before = await attacked().metric('ticker_handshakes_ended_total{reason="late"}')
  const peers = await Promise.all(
    Array.from({ length: 500 }, (_, index) => RawPeer.connect(attacked(), addressOf(index))),
  )
  const beganMs = performance.now()
  // Half a handshake, then a byte now and then: none of it puts off the end.
  for (const peer of peers) peer.send(handshake)
  const dribble = setInterval(() => {
    for (const peer of peers) peer.send('\r\nX-Slow: x')
  }, 500)
  const honest: number[] = []
  for (let index = 0; index < 20; index += 1) {
    const connectedMs = performance.now()
    const client = await attacked().connect('127.0.5.1')
    honest.push(performance.now() - connectedMs)
    await client.close()
  }
  await Promise.all(peers.map(peer => peer.gone()))
  clearInterval(dribble)
  const tookMs = performance.now() - beganMs

  expect(Math.max(...honest)).toBeLessThan(2000)
  expect(tookMs).toBeLessThan(handshakeMs + 3000)
  expect(await attacked().metric('ticker_handshakes_ended_total{reason="late"}')).toBe(before + 500)
})

test('connections that say nothing are ended in time', async () => {
  const peers = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => RawPeer.connect(attacked(), addressOf(index))),
  )
  await Promise.all(peers.map(peer => peer.gone()))

  expect(peers.every(peer => peer.text === '')).toBe(true)
})

test('garbage instead of a request is answered with 400, or with nothing', async () => {
  for (const garbage of [
    '\0\0\0\0',
    '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
    'GET\r\n\r\n',
    '\r\n\r\n{"action":1}',
  ]) {
    const peer = await RawPeer.connect(attacked(), '127.0.4.2')
    peer.send(Buffer.from(garbage, 'latin1'))

    expect((await peer.gone()).slice(0, 12)).toMatch(/^(|HTTP\/1\.1 400)$/)
  }
})

test('5,000 authenticated handshakes at once each have an answer, most of them a session', async () => {
  const count = 5000
  const { issuer, streamUrl } = attacked()
  const users = await Promise.all(
    Array.from({ length: count / 20 }, (_, index) => issuer.token({ claims: { sub: `user-${index}` } })),
  )
  const clients = Array.from({ length: count }, (_, index) => {
    const headers = { authorization: `Bearer ${users[index % users.length]}` }
    return new StreamClient(streamUrl, { localAddress: addressOf(index % 500), headers })
  })
  const ends = await Promise.all(clients.map(endOf))
  const counts = Map.groupBy(ends, end => end)
  for (const client of clients) client.webSocket.terminate()

  expect(new Set(counts.keys()).difference(new Set(['authenticated', '404', '406', '429']))).toEqual(
    new Set(),
  )
  expect(counts.get('authenticated')?.length).toBeGreaterThan(count / 2)
})

/** What became of a client: `authenticated`, the code of an error, or the status that it was refused with. */
async function endOf(client: StreamClient): Promise<string> {
  const refused = new Promise<string>(resolve => {
    client.webSocket.once('unexpected-response', (_request, response) => {
      response.resume()
      resolve(String(response.statusCode))
    })
  })
  const answered = client
    .takeMany(2)
    .then(([, answer]) => String(answer?.['code'] ?? answer?.['msg']))
    .catch((error: unknown) => String(error))
  return await Promise.race([refused, answered])
}
