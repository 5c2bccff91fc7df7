import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startBareStream } from '../../support/bare-stream.ts'

const partition = { topic: 'market', partition: 0 }
const eventsPerFlush = 200

test('frames that wait for a client to read are not touched by those of others', async () => {
  const stream = await startBareStream({})
  try {
    const { feed, sessions } = stream
    feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
    const sleeper = await subscribe(stream.url, ['A'])
    const others = [await subscribe(stream.url, ['B']), await subscribe(stream.url, ['A', 'B'])]
    sleeper.webSocket.pause()
    let made = 0
    // What the kernel takes is megabytes; then some frames lie in the process.
    while (sessions.list().sessions.every(({ unsentBytes }) => unsentBytes === 0)) {
      for (let event = 0; event < eventsPerFlush; event++) {
        const i = ++made
        const trade = { S: i % 2 === 0 ? 'A' : 'B', i, x: 'D', p: i, s: 1, t: '2021-02-22T15:51:44Z' }
        feed.add({ T: 't', ...trade, c: ['@'], z: 'C' }, { partition: 0, offset: i - 1, writtenMs: 0 })
      }
      feed.advance({ partition, epoch: 'e', offset: made }, made)
      feed.flush()
      await Promise.all(others.map(other => other.until(made)))
    }
    sleeper.webSocket.resume()
    await sleeper.until(made)
    expect(sleeper.ids).toEqual(Array.from({ length: made / 2 }, (_, index) => 2 * (index + 1)))
  } finally {
    await stream.stop()
  }
})

interface Subscribed {
  readonly webSocket: WebSocket
  readonly ids: readonly number[]
  /** Resolves when it has got the event of this number, or the one before. */
  readonly until: (id: number) => Promise<void>
}

async function subscribe(url: string, trades: readonly string[]): Promise<Subscribed> {
  const webSocket = new WebSocket(url, { headers: { authorization: 'Bearer x' }, perMessageDeflate: false })
  const ids: number[] = []
  const subscribed = Promise.withResolvers<void>()
  webSocket.on('message', (data: Buffer) => {
    for (const message of JSON.parse(data.toString()) as { T: string; msg?: string; i: number }[]) {
      if (message.msg === 'authenticated') webSocket.send(JSON.stringify({ action: 'subscribe', trades }))
      if (message.T === 'subscription') subscribed.resolve()
      if (message.T === 't') ids.push(message.i)
    }
  })
  await subscribed.promise
  const until = async (id: number): Promise<void> => {
    while ((ids.at(-1) ?? 0) < id - 1) await once(webSocket, 'message')
  }
  return { webSocket, ids, until }
}
