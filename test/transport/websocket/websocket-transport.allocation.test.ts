import { fork } from 'node:child_process'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'

interface Measured {
  readonly delivered: number
  readonly bare: number
  readonly deliveries: number
}

test('a delivery to 100 subscribers allocates at most 16 B more than a bare socket.write', async () => {
  const server = fork(new URL('allocation-process.ts', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    const [{ url }] = (await once(server, 'message')) as [{ url: string }]
    const clients = await Promise.all(Array.from({ length: 100 }, () => subscribe(url)))
    server.send('measure')
    const [{ delivered, bare, deliveries }] = (await once(server, 'message')) as [Measured]
    expect(deliveries).toBe((12 + 25) * 200 * 100)
    expect(bare).toBeGreaterThan(20)
    expect(delivered - bare).toBeLessThanOrEqual(16)
    for (const client of clients) client.terminate()
  } finally {
    server.kill()
  }
})

async function subscribe(url: string): Promise<WebSocket> {
  const client = new WebSocket(url, { perMessageDeflate: false })
  await once(client, 'message')
  client.send('{"action":"auth","token":"x"}')
  await once(client, 'message')
  client.send('{"action":"subscribe","trades":["*"]}')
  await once(client, 'message')
  client.on('message', () => undefined)
  return client
}
