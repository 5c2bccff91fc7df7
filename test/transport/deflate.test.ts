import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type BareStream, startBareStream } from '../support/bare-stream.ts'

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
