import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { type BareStream, startBareStream } from '../../support/bare-stream.ts'
import { StreamClient } from '../../support/stream-client.ts'

let stream: BareStream

afterEach(() => stream.stop())

test.each<[string, (client: StreamClient) => void]>([
  ['messages', client => client.send('{"action":"unsubscribe"}')],
  ['pings', client => client.webSocket.ping()],
  ['pongs', client => client.webSocket.pong()],
])('10,000 %s at once end their session, and nobody else notices', async (_name, send) => {
  stream = await startBareStream({})
  const other = await StreamClient.open(stream.url, 'x')
  await other.subscribe({ trades: ['*'] })
  const client = await StreamClient.open(stream.url, 'x')
  for (let count = 0; count < 10_000; count++) send(client)
  expect(await client.closed()).toEqual({ code: 4007, reason: 'too many messages' })
  expect(stream.sessions.counts.errors[429]).toBe(1)
  stream.feed.add(
    { T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' },
    { partition: 0, offset: 0, writtenMs: 0 },
  )
  stream.feed.flush()
  expect(await other.take('t')).toMatchObject({ S: 'AAPL' })
  await other.close()
})

test('pings are answered with what they carry', async () => {
  stream = await startBareStream({})
  const client = await StreamClient.open(stream.url, 'x')
  client.webSocket.ping('a mark')
  const [data] = (await once(client.webSocket, 'pong')) as [Buffer]
  expect(String(data)).toBe('a mark')
  await client.close()
})

test('a peer that goes on sending after its end is not read for ever, and cut off', async () => {
  stream = await startBareStream({})
  const read: (() => number)[] = []
  stream.app.server.on('upgrade', (_request, socket) => {
    read.push(() => (socket as unknown as { bytesRead: number }).bytesRead)
  })
  const client = await StreamClient.open(stream.url, 'x')
  // Underneath `ws`, which would stop by itself: a masked text frame of 60 kB, again and again.
  const { _socket: socket } = client.webSocket as unknown as {
    _socket: NodeJS.WritableStream & { destroyed: boolean }
  }
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0]), Buffer.alloc(60_000, ' ')])
  for (let count = 0; count < 500; count++) socket.write(frame)
  await client.closed()
  await expect.poll(() => stream.sessions.size).toBe(0)
  expect(read[0]!()).toBeLessThan(4_000_000)
})

test('a message in more fragments than any client or proxy makes ends the connection', async () => {
  stream = await startBareStream({})
  const client = await StreamClient.open(stream.url, 'x')
  for (let count = 0; count < 300; count++) client.webSocket.send(' ', { fin: false })
  expect((await client.closed()).code).toBe(1008)
})
