import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { clientFrame } from './frames.ts'
import { RawPeer } from './raw-peer.ts'
import { attackedGateway, payloadMark } from './attacked-gateway.ts'

const attacked = attackedGateway()
let lastAddress = 0

/** Authenticated, from an address and as a user of its own. */
async function attacker(): Promise<RawPeer> {
  lastAddress += 1
  const token = await attacked().issuer.token({ claims: { sub: `mallory-${lastAddress}` } })
  return await RawPeer.upgraded(attacked(), `127.0.1.${lastAddress}`, token)
}

const symbols = (count: number): string[] => Array.from({ length: count }, (_, index) => `S${index}`)
const subscribe = (fields: object): string => JSON.stringify({ action: 'subscribe', ...fields })

/** Frames that begin a message and go on with it. */
function fragments(count: number, content: Buffer): Buffer {
  const [first, more] = [1, 0].map(opcode => clientFrame(content, { opcode, fin: false }))
  return Buffer.concat([first!, ...Array.from({ length: count - 1 }, () => more!)])
}

test.each<[string, Buffer, number]>([
  ['a message of 10 MB', clientFrame(Buffer.alloc(10_000_000, payloadMark)), 1009],
  ['100,000 symbols', clientFrame(subscribe({ trades: symbols(100_000) })), 1009],
  ['a compressed bomb, though compression was not negotiated', bomb(), 1002],
  ['a message in 10,000 fragments', fragments(10_000, Buffer.from(' ')), 1008],
  ['a message without an end', fragments(70, Buffer.alloc(1000, payloadMark)), 1009],
  ['text that is not UTF-8', clientFrame(Buffer.from([0x22, 0xc3, 0x28, 0x22])), 1007],
  ['a frame without a mask', Buffer.from([0x81, 2, 0x7b, 0x7d]), 1002],
  ['an opcode that does not exist', clientFrame('', { opcode: 3 }), 1002],
  ['a continuation of nothing', clientFrame('{}', { opcode: 0 }), 1002],
  ['a ping of 126 bytes', clientFrame(Buffer.alloc(126), { opcode: 9 }), 1002],
  ['a close frame of one byte', clientFrame(Buffer.from([3]), { opcode: 8 }), 1002],
  ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1009],
])('%s ends the connection', async (_, bytes, code) => {
  const peer = await attacker()
  peer.send(bytes)

  expect(await peer.closed()).toBe(code)
})

// That it costs no memory is what the attacked gateway is held to at the end.
test('a compressed message beyond the limit ends the connection, and costs no memory', async () => {
  const offer = 'Sec-WebSocket-Extensions: permessage-deflate'
  for (let count = 0; count < 10; count++) {
    lastAddress += 1
    const token = await attacked().issuer.token({ claims: { sub: `mallory-${lastAddress}` } })
    const peer = await RawPeer.upgraded(attacked(), `127.0.1.${lastAddress}`, token, offer)
    peer.send(bomb())
    expect(await peer.closed()).toBe(1009)
  }
})

/** 60 kB of DEFLATE that would come to 60 MB. */
function bomb(): Buffer {
  return clientFrame(deflateRawSync(Buffer.alloc(60_000_000)), { rsv1: true })
}

test.each<[string, string, object]>([
  ['deep arrays', '['.repeat(30_000), { code: 400 }],
  ['deep objects', `${'{"action":'.repeat(5000)}0${'}'.repeat(5000)}`, { code: 400 }],
  ['a deep object in a field', subscribe({ trades: [] }).replace('[]', '[['.repeat(15_000)), { code: 400 }],
  ['an own "__proto__"', '{"action":"subscribe","__proto__":{"snapshot":true}}', { code: 400 }],
  ['a "constructor"', '{"action":"subscribe","constructor":{"prototype":{"x":1}}}', { code: 400 }],
  ['an action that objects inherit', '{"action":"toString"}', { code: 400 }],
  ['a policy for "__proto__"', '{"action":"subscribe","policy":{"__proto__":"every"}}', { code: 400 }],
  ['NaN', '{"action":"subscribe","id":NaN}', { code: 400 }],
  ['an infinite id', '{"action":"subscribe","id":1e999}', { code: 400 }],
  ['an id that is not exact', '{"action":"subscribe","id":9007199254740993}', { code: 400 }],
  ['a symbol of 60,000 letters', subscribe({ trades: ['A'.repeat(60_000)] }), { code: 400 }],
  ['a symbol with a separator', subscribe({ trades: ['A","T":"x'] }), { code: 400 }],
  ['a payload as an action', JSON.stringify({ action: payloadMark }), { code: 400 }],
  ['10,000 symbols', subscribe({ trades: symbols(8000) }), { code: 405 }],
])('%s: an error, and the session goes on', async (_, text, error) => {
  const peer = await attacker()
  peer.send(clientFrame(text))
  await peer.until(() => peer.errors.length > 0)
  peer.send(clientFrame(subscribe({ trades: ['A'] })))
  await peer.until(() => peer.messages.some(({ T }) => T === 'subscription'))

  expect(peer.messages.find(({ T }) => T === 'error')).toMatchObject(error)
  expect(peer.messages.at(-1)).toMatchObject({ trades: ['A'], news: [] })
  peer.leave()
})

const nonsense = clientFrame('{"action":"nothing"}')
const loop = Buffer.concat(
  ['subscribe', 'unsubscribe'].map(action => clientFrame(JSON.stringify({ action, trades: symbols(1000) }))),
)

test.each<[string, Buffer, number]>([
  ['10,000 messages at once', nonsense, 10_000],
  ['subscribing and unsubscribing 1,000 symbols in a loop', loop, 1000],
  ['binary messages', clientFrame(Buffer.alloc(1000), { opcode: 2 }), 10_000],
  ['pings', clientFrame('ping', { opcode: 9 }), 10_000],
  ['pongs that nobody asked for', clientFrame('', { opcode: 10 }), 10_000],
])('%s: 429 after some, and the end', async (_, frames, count) => {
  const peer = await attacker()
  peer.send(Buffer.concat(Array.from({ length: count }, () => frames)))

  expect(await peer.closed()).toBe(4007)
  expect(peer.errors.at(-1)).toBe(429)
  expect(peer.errors.length).toBeLessThan(300)
})

test('a peer without a token that talks on is refused at once, then ended', async () => {
  const peer = await RawPeer.upgraded(attacked(), '127.0.1.250', '')
  for (let sent = 0; sent < 1000; sent += 1) peer.send(clientFrame(subscribe({ trades: ['*'] })))

  expect(await peer.closed()).toBe(4501)
  expect(new Set(peer.errors)).toEqual(new Set([401, 402]))
  expect(peer.errors).toHaveLength(18)
})

test('peers that never answer the end of their session are cut off', async () => {
  const peers = await Promise.all(Array.from({ length: 100 }, () => attacker()))
  for (const peer of peers) {
    peer.send(Buffer.concat(Array.from({ length: 300 }, () => nonsense)))
    peer.socket.pause()
  }
  await expect.poll(() => attacked().metric('ticker_connections{transport="websocket"}')).toBe(1)
  for (const peer of peers) peer.leave()
})
