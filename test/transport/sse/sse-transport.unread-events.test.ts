import { once } from 'node:events'
import { get } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type BareStream, startBareStream } from '../../support/bare-stream.ts'
import { collect } from '../../support/collected-heap.ts'
import { SseClient } from '../../support/sse-client.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { numbersOf } from './sse-fixture.ts'

const partition = { topic: 'market', partition: 0 }
const eventsPerFlush = 200
const clients = 20

/** A feed that is filled by the test: trades of A and B in turn. */
class Market {
  made = 0
  readonly #stream: BareStream

  constructor(stream: BareStream) {
    this.#stream = stream
    stream.feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
  }

  /** Flushes some hundred trades. */
  flush(): void {
    const { feed } = this.#stream
    for (let event = 0; event < eventsPerFlush; event++) {
      const i = ++this.made
      const trade = { S: i % 2 === 0 ? 'A' : 'B', i, x: 'D', p: i, s: 1, t: '2021-02-22T15:51:44Z' }
      feed.add({ T: 't', ...trade, c: ['@'], z: 'C' }, { partition: 0, offset: i - 1, writtenMs: 0 })
    }
    feed.advance({ partition, epoch: 'e', offset: this.made }, this.made)
    feed.flush()
  }

  /** Flushes until so many sessions have bytes in this process that their clients have not taken. */
  async flushUntilUnsent(sessions: number): Promise<void> {
    const unsent = () =>
      this.#stream.sessions.list({ limit: 1000 }).sessions.filter(each => each.unsentBytes > 0)
    while (unsent().length < sessions) {
      this.flush()
      await nextTurn()
    }
  }
}

/** Events that wait for a client to read share memory with those of others, which is overwritten. */
test('events that wait for a client to read are not touched by those of others', async () => {
  const stream = await startBareStream({})
  try {
    const market = new Market(stream)
    const open = (symbols: string) => SseClient.open(`${stream.eventsUrl}?trades=${symbols}`, { token: 'x' })
    const sleeper = await open('A')
    const others = [await open('B'), await open('A,B')]
    await waitUntil(() => sleeper.messages.length > 0, 'the first messages')
    sleeper.response.pause()
    await market.flushUntilUnsent(1)
    sleeper.response.resume()
    for (const other of others)
      await waitUntil(() => Number(numbersOf(other).at(-1)) >= market.made - 1, 'it')
    await waitUntil(() => numbersOf(sleeper).at(-1) === market.made, 'the last trade')
    expect(numbersOf(sleeper)).toEqual(Array.from({ length: market.made / 2 }, (_, index) => 2 * (index + 1)))
    for (const client of [sleeper, ...others]) client.cut()
  } finally {
    await stream.stop()
  }
})

/** Opens a connection that receives its acknowledgement, and reads nothing from then on. */
type OpenAndStop = (
  stream: BareStream,
  symbols: readonly string[],
) => Promise<{ readonly destroy: () => void }>

const openWebSocket: OpenAndStop = async ({ url }, trades) => {
  const webSocket = new WebSocket(url, { headers: { authorization: 'Bearer x' }, perMessageDeflate: false })
  const acknowledged = Promise.withResolvers<void>()
  webSocket.on('open', () => webSocket.send(JSON.stringify({ action: 'subscribe', trades })))
  webSocket.on(
    'message',
    (data: Buffer) => data.toString().includes('"subscription"') && acknowledged.resolve(),
  )
  await acknowledged.promise
  webSocket.pause()
  return { destroy: () => webSocket.terminate() }
}

const openSse: OpenAndStop = async ({ eventsUrl }, symbols) => {
  const headers = { authorization: 'Bearer x' }
  const request = get(`${eventsUrl}?trades=${symbols.join()}`, { agent: false, headers })
  const [response] = await once(request, 'response')
  response.on('error', () => undefined)
  const acknowledged = Promise.withResolvers<void>()
  response.on('data', (piece: Buffer) => String(piece).includes('"subscription"') && acknowledged.resolve())
  await acknowledged.promise
  response.pause()
  return response
}

/** Returns how many bytes of this process go with each client that has stopped reading. */
async function costOf(open: OpenAndStop, symbolsOf: (client: number) => string[]): Promise<number> {
  const stream = await startBareStream({})
  try {
    const market = new Market(stream)
    const opened = await Promise.all(
      Array.from({ length: clients }, (_, client) => open(stream, symbolsOf(client))),
    )
    await market.flushUntilUnsent(clients)
    // All of them are behind by now: nothing more may pile up.
    for (let flush = 0; flush < 20; flush++) market.flush()
    await nextTurn()
    const { sessions } = stream.sessions.list()
    const stopped = usedBytes()
    expect(Math.max(...sessions.map(({ unsentBytes }) => unsentBytes))).toBeLessThan(262_144)
    for (const client of opened) client.destroy()
    await waitUntil(() => stream.sessions.size === 0, 'the end of the sessions')
    return (stopped - usedBytes()) / clients
  } finally {
    await stream.stop()
  }
}

function usedBytes(): number {
  // Memory outside of the heap is freed one collection later.
  for (let collection = 0; collection < 3; collection++) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test.each([
  { subscribed: 'the same', symbolsOf: () => ['*'] },
  // Nothing is framed or copied for several of them.
  { subscribed: 'each its own', symbolsOf: (client: number) => ['A', 'B', `X${client}`] },
])(
  'a client that stops reading costs no more memory than over a WebSocket: $subscribed',
  async ({ subscribed, symbolsOf }) => {
    // The first run of each compiles code and fills caches.
    for (const open of [openWebSocket, openSse]) await costOf(open, symbolsOf)
    const webSocket = await costOf(openWebSocket, symbolsOf)
    const sse = await costOf(openSse, symbolsOf)
    console.info(
      `kB for each of ${clients} clients that stop reading, ${subscribed}: ` +
        `WebSocket ${webSocket / 1000}, SSE ${sse / 1000}`,
    )
    expect(sse).toBeLessThan(webSocket * 1.1 + 8192)
  },
)
