import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type BareStream, startBareStream } from '../../support/bare-stream.ts'
import { exchange, handshakeHead } from '../../support/raw-exchange.ts'

const partition = { topic: 'market', partition: 0 }
let stream: BareStream
let offset = 0

beforeAll(async () => {
  stream = await startBareStream({})
  stream.feed.advance({ partition, epoch: 'e', offset }, offset)
})
afterAll(() => stream.stop())

/** A subscriber that counts what its socket brings. */
class Subscriber {
  readonly ids: unknown[] = []
  /** Bytes of the answers to its handshake and requests. */
  #before = 0
  readonly #webSocket: WebSocket
  #socket: Socket | undefined

  private constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket
  }

  static async open(perMessageDeflate: ConstructorParameters<typeof WebSocket>[2] = {}): Promise<Subscriber> {
    const headers = { authorization: 'Bearer x' }
    const webSocket = new WebSocket(stream.url, { headers, ...perMessageDeflate })
    const subscriber = new Subscriber(webSocket)
    webSocket.on('upgrade', ({ socket }) => {
      subscriber.#socket = socket
    })
    const acknowledged = Promise.withResolvers<void>()
    webSocket.on('message', (data: Buffer) => {
      for (const message of JSON.parse(data.toString()) as Record<string, unknown>[]) {
        if (message['msg'] === 'authenticated')
          webSocket.send(JSON.stringify({ action: 'subscribe', trades: ['*'] }))
        if (message['T'] === 'subscription') acknowledged.resolve()
        if (message['T'] === 't') subscriber.ids.push(message['i'])
      }
    })
    await acknowledged.promise
    subscriber.#before = subscriber.#read
    return subscriber
  }

  get extensions(): string {
    return this.#webSocket.extensions
  }

  /** Bytes that came since the subscription. */
  get bytes(): number {
    return this.#read - this.#before
  }

  get #read(): number {
    return this.#socket?.bytesRead ?? 0
  }

  async close(): Promise<void> {
    this.#webSocket.close()
    await once(this.#webSocket, 'close')
  }
}

function publish(count: number): void {
  const { feed } = stream
  for (let index = 0; index < count; index++) {
    feed.add(
      { T: 't', S: 'AAPL', i: offset, p: 126.5, s: 1, t: '2026-01-02T14:30:00Z' },
      { partition: feed.numberOf(partition), offset: offset++, writtenMs: 0 },
    )
  }
  feed.advance({ partition, epoch: 'e', offset }, offset)
  feed.flush()
}

test('large frames come compressed to who offered it, the same to each, and whole to all', async () => {
  const [one, two, plain] = await Promise.all([
    Subscriber.open(),
    Subscriber.open({ perMessageDeflate: { serverMaxWindowBits: 12 } }),
    Subscriber.open({ perMessageDeflate: false }),
  ])
  const first = offset
  for (const count of [1, 500, 2000, 1, 300]) publish(count)
  const all = Array.from({ length: offset - first }, (_, index) => first + index)
  for (const subscriber of [one, two, plain]) {
    await expect.poll(() => subscriber.ids.length).toBe(all.length)
    expect(subscriber.ids).toEqual(all)
  }
  expect([one.extensions, plain.extensions]).toEqual(['permessage-deflate', ''])
  expect(one.bytes).toBe(two.bytes)
  expect(one.bytes).toBeLessThan(plain.bytes / 5)
  await Promise.all([one.close(), two.close(), plain.close()])
})

/**
 * Cause: whatever was built for an audience was compressed, also for an audience of one.
 * Symptom: with a subscription of its own each subscriber cost the node a compression of each of its frames,
 * several times the rest of a delivery.
 * Seen: by reading.
 */
test('frames of one subscriber come as they are', async () => {
  const alone = await Subscriber.open()
  publish(500)
  await expect.poll(() => alone.ids.length).toBe(500)
  const [bytes, before] = [alone.bytes, await Subscriber.open({ perMessageDeflate: false })]
  await alone.close()
  publish(500)
  await expect.poll(() => before.ids.length).toBe(500)
  // Numbers of events have grown by a digit at most.
  expect(Math.abs(before.bytes - bytes)).toBeLessThan(2000)
  await before.close()
})

test('small frames come as they are', async () => {
  const [one, plain] = await Promise.all([Subscriber.open(), Subscriber.open({ perMessageDeflate: false })])
  publish(3)
  await expect.poll(() => [one.ids.length, plain.ids.length]).toEqual([3, 3])
  expect(one.bytes).toBe(plain.bytes)
  await Promise.all([one.close(), plain.close()])
})

test('who can hold less than the window of the frames gets them uncompressed', async () => {
  const small = await Subscriber.open({ perMessageDeflate: { serverMaxWindowBits: 10 } })
  publish(500)
  await expect.poll(() => small.ids.length).toBe(500)
  expect(small.extensions).toBe('')
  await small.close()
})

/** What a handshake with such offers is answered with. */
async function answerTo(offers: string): Promise<{ status: string; extensions: string | undefined }> {
  const head = `${handshakeHead}\r\nSec-WebSocket-Extensions: ${offers}\r\n\r\n`
  const answer = await exchange(stream.url, head, text => text.includes('\r\n\r\n'))
  return {
    status: answer.slice(9, 12),
    extensions: /^sec-websocket-extensions: (.*)\r$/im.exec(answer)?.[1],
  }
}

/**
 * Cause: ws looks at all offers before it chooses one, and refuses the handshake for one that it does not
 * know; only windows that are too small were taken out of its sight, and with them all other offers.
 * Symptom: a client whose first offer did not fit got no compression though its second did, or was refused
 * with 400.
 * Seen: from outside, by offers out of RFC 7692 §5.1 and §7.1.
 */
describe('of several offers the first that fits is accepted, and the others are declined:', () => {
  const base = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  const accepted = `${base}; server_max_window_bits=12`
  test.each([
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', accepted],
    ['permessage-deflate; unknown, permessage-deflate; client_max_window_bits', accepted],
    [
      'permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=15',
      accepted,
    ],
    ['permessage-deflate; client_max_window_bits=16, permessage-deflate', accepted],
    ['permessage-deflate; client_max_window_bits=7, x-webkit-deflate-frame, permessage-deflate', accepted],
    [
      'permessage-deflate; server_no_context_takeover; server_no_context_takeover, permessage-deflate',
      accepted,
    ],
    ['permessage-deflate; server_no_context_takeover=1, permessage-deflate', accepted],
    [
      'permessage-deflate; client_max_window_bits="10"',
      `${base}; client_max_window_bits=10; server_max_window_bits=12`,
    ],
    ['x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=12', accepted],
  ])('%s', async (offers, extensions) => {
    const answer = await answerTo(offers)
    expect(answer.status).toBe('101')
    expect(answer.extensions?.split('; ').toSorted()).toEqual(extensions.split('; ').toSorted())
  })

  test.each([
    'permessage-deflate; server_max_window_bits=11',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=012',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits=0',
    'permessage-deflate; client_no_context_takeover=yes',
    'permessage-deflate; server_max_window_bits=12; server_max_window_bits=12',
    'permessage-deflate; unknown=1',
    'permessage-deflate; __proto__',
    'permessage-bzip2',
  ])('none of %s', async offers => {
    expect(await answerTo(offers)).toEqual({ status: '101', extensions: undefined })
  })

  test.each(['permessage-deflate;', ',', 'permessage-deflate; a=', 'permessage-deflate; a="'])(
    'malformed: %s',
    async offers => expect((await answerTo(offers)).status).toBe('400'),
  )
})
