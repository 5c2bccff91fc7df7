import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { mintTestToken } from '../support/gateway.ts'
import { GatewayProcess } from '../support/gateway-process.ts'
import { StreamClient } from '../support/stream-client.ts'

let node: GatewayProcess
const strangers: Socket[] = []

afterEach(async () => {
  leave()
  await node.stop()
})

async function start(descriptors: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
  node = await GatewayProcess.start({ TICKER_WORKERS: '1', TICKER_DEMO: 'off', ...env }, { descriptors })
}

/** Connects, and says nothing or that. */
async function connectMany(count: number, text = ''): Promise<void> {
  const { hostname, port } = new URL(node.streamUrl)
  const connected = Array.from({ length: count }, async () => {
    const socket = connect(Number(port), hostname)
    strangers.push(socket)
    socket.on('error', () => undefined).resume()
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    if (text !== '') socket.write(text)
  })
  await Promise.all(connected)
}

function leave(): void {
  for (const socket of strangers.splice(0)) socket.destroy()
}

const remaining = (): number => strangers.filter(({ closed }) => !closed).length

async function subscribe(): Promise<StreamClient> {
  return await StreamClient.open(node.streamUrl, await mintTestToken())
}

async function tryToSubscribe(): Promise<StreamClient | undefined> {
  return await subscribe().catch(() => undefined)
}

/**
 * Cause: every connection was taken until no descriptor was left, and `process.memoryUsage()`, which opens a
 * file, throws then.
 * Symptom: the process ended on the memory guard's next look, and every client with it (1006).
 * Seen: from outside, with `ulimit -n 1024` and 1,050 silent sockets of one stranger.
 */
test('a stranger cannot take all descriptors, and connected clients stay connected', async () => {
  await start(1024)
  const client = await subscribe()
  await connectMany(1050)
  await expect.poll(() => remaining()).toBeLessThan(1000)
  // The memory guard looks every half second, and this asks for what needs a descriptor as well.
  await expect
    .poll(() => node.metric('ticker_handshakes_ended_total{reason="full"}'))
    .toBeGreaterThanOrEqual(50)
  expect(node.hasEnded).toBe(false)
  expect(client.webSocket.readyState).toBe(client.webSocket.OPEN)
  expect(await node.isReady()).toBe(true)
  // Who says nothing for two seconds makes place.
  await expect.poll(async () => (await tryToSubscribe()) !== undefined, { timeout: 10_000 }).toBe(true)
  expect(node.log).toContain('TICKER_MAX_SESSIONS')
}, 60_000)

const open = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length

/**
 * Cause: a worker without a descriptor left cannot be handed a connection; it never says that it has it, so
 * its primary gives it no further one, and keeps those that come in its own descriptors. Symptom: after 200
 * connections came and went the primary had 81 descriptors open and nobody came in any more, while /readyz
 * stayed green. Seen: from outside, with `ulimit -n 80` and two workers.
 */
test('full workers accept again as soon as a client leaves, and their primary keeps none', async () => {
  await start(80, { TICKER_WORKERS: '2' })
  const client = await subscribe()
  const before = await open(node.pid)
  await connectMany(200, 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => remaining()).toBeLessThan(40)
  expect(await tryToSubscribe()).toBe(undefined)
  leave()
  await expect.poll(async () => (await tryToSubscribe()) !== undefined, { timeout: 5000 }).toBe(true)
  await expect.poll(() => open(node.pid), { timeout: 5000 }).toBeLessThanOrEqual(before + 5)
  expect(client.webSocket.readyState).toBe(client.webSocket.OPEN)
  expect(await node.metric('ticker_worker_restarts_total')).toBe(0)
}, 60_000)
