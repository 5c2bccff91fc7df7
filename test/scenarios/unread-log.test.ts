import { afterEach, expect, test } from 'vitest'
import { mintTestToken } from '../support/gateway.ts'
import { GatewayProcess, type GatewayProcessOptions } from '../support/gateway-process.ts'
import { StreamClient } from '../support/stream-client.ts'

let node: GatewayProcess

afterEach(() => node.stop())

async function start(workers: number, options: GatewayProcessOptions = {}): Promise<void> {
  node = await GatewayProcess.start({ TICKER_WORKERS: String(workers), TICKER_DEMO: 'off' }, options)
}

async function subscribe(): Promise<StreamClient> {
  return await StreamClient.open(node.streamUrl, await mintTestToken())
}

const dropped = (): Promise<number | undefined> => node.metric('ticker_log_lines_dropped_total')

/** Each connection's end is a line; of several workers each gets some. */
async function writeLines(): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 8 }, subscribe))
  for (const { webSocket } of clients) webSocket.terminate()
}

/** The stream goes on, and a stop takes the time of a drain, with a message to clients. */
async function expectToServeAndDrain(client: StreamClient): Promise<void> {
  expect(node.hasEnded).toBe(false)
  expect(client.webSocket.readyState).toBe(client.webSocket.OPEN)
  expect((await client.subscribe({ trades: ['AAPL'] }))['trades']).toEqual(['AAPL'])
  node.signal('SIGTERM')
  expect((await client.take('shutdown')).T).toBe('shutdown')
  expect(await node.ended).toBe(0)
}

/**
 * Cause: standard error had no listener for errors, so the first line that nobody takes was an uncaught one.
 * Symptom: the gateway died with its log: the process, or the primary and all of its workers, and a stop
 * drained nobody.
 * Seen: from outside, with a log shipper that was killed (EPIPE) and a full disk (ENOSPC).
 */
test.each([1, 2])(
  'of %d processes all outlive whoever reads their log',
  async workers => {
    await start(workers)
    const client = await subscribe()
    expect(await dropped()).toBe(0)
    node.stopReading()
    await writeLines()
    await expect.poll(dropped).toBeGreaterThanOrEqual(7)
    await expectToServeAndDrain(client)
  },
  60_000,
)

test('a full disk behind its log keeps nobody from being served', async () => {
  await start(1, { errorFile: '/dev/full' })
  const client = await subscribe()
  await writeLines()
  await expect.poll(dropped).toBeGreaterThanOrEqual(8)
  await expectToServeAndDrain(client)
}, 60_000)
