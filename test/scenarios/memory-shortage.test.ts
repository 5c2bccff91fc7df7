import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { ResumingClient } from '../support/resuming-client.ts'

const megabyte = 1_048_576
let gateway: TestGateway | undefined
const ballast: Buffer[] = []

/** Makes this process, in which the gateway runs, take a part of what it may. */
function takeUpTo(share: number, { env }: TestGateway): void {
  const bytes = share * Number(env['TICKER_MEMORY_LIMIT_BYTES'])
  while (process.memoryUsage.rss() < bytes) ballast.push(Buffer.alloc(4 * megabyte, 1))
}

/** Gives it all back, at once: the collector may take its time. */
function release(): void {
  for (const { buffer } of ballast.splice(0)) if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

afterEach(async () => {
  release()
  await gateway?.stop()
  gateway = undefined
})

/** A gateway with enough memory until this process takes 300 MB more than now, and what the gateway takes. */
async function start(): Promise<TestGateway> {
  release()
  const limitBytes = Math.floor((process.memoryUsage.rss() + 300 * megabyte) / 0.7)
  gateway = await startTestGateway({
    TICKER_MEMORY_LIMIT_BYTES: String(limitBytes),
    TICKER_HEARTBEAT_MS: '200',
  })
  return gateway
}

async function publish(node: TestGateway, first: number): Promise<void> {
  const events = Array.from({ length: 10 }, (_, index) => ({
    T: 't',
    S: 'AAPL',
    i: first + index,
    p: 1,
    s: 1,
    t: '2026-01-02T14:30:00Z',
  }))
  const authorization = `Bearer ${await node.token({ scopes: ['publish'] })}`
  const response = await fetch(`${node.url}/v1/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
  expect(response.status).toBe(200)
}

/** The status and `Retry-After` of a refused handshake. */
async function handshake(url: string, authorization: string): Promise<unknown[]> {
  const webSocket = new WebSocket(url, { headers: { authorization } })
  return await new Promise((resolve, reject) => {
    webSocket.on('open', () => {
      webSocket.terminate()
      resolve(['open'])
    })
    webSocket.on('unexpected-response', (request, response) => {
      resolve([response.statusCode, response.headers['retry-after']])
      request.destroy()
    })
    webSocket.on('error', reject)
  })
}

const stateOf = (it: TestGateway) => () => it.metric('ticker_memory_state')

test('short of memory, a node refuses new sessions and resumes, and serves those it has', async () => {
  const node = await start()
  const authorization = `Bearer ${await node.token()}`
  const staying = new ResumingClient({ trades: ['*'] })
  const leaving = new ResumingClient({ trades: ['*'] })
  await staying.connect(node.streamUrl, await node.token())
  await leaving.connect(node.streamUrl, await node.token())
  await publish(node, 0)
  await expect.poll(() => leaving.events.length).toBe(10)
  leaving.cut()

  takeUpTo(0.82, node)
  await expect.poll(stateOf(node)).toBe(1)
  expect(await handshake(node.streamUrl, authorization)).toEqual([503, '10'])
  await expect(leaving.connect(node.streamUrl, await node.token())).rejects.toThrow(
    'Unexpected server response: 503',
  )
  expect(await node.metric('ticker_handshakes_refused_total{transport="websocket",reason="memory"}')).toBe(2)
  await publish(node, 10)
  await expect.poll(() => staying.events.length).toBe(20)
  expect((await fetch(`${node.operationsUrl}/readyz`)).status).toBe(200)

  release()
  await expect.poll(stateOf(node)).toBe(0)
  await leaving.connect(node.streamUrl, await node.token())
  await expect.poll(() => leaving.events.length).toBe(20)
  expect(leaving.recovered).toEqual([true])
  expect(leaving.faults).toEqual([])
  expect(await handshake(node.streamUrl, authorization)).toEqual(['open'])

  expect(await node.metric('ticker_tape_limit_bytes{feed="live"}')).toBe(134_217_728)
  takeUpTo(0.96, node)
  await expect.poll(stateOf(node)).toBe(2)
  await expect.poll(() => node.metric('ticker_tape_limit_bytes{feed="live"}')).toBeLessThan(134_217_728)
  await publish(node, 20)
  await expect.poll(() => staying.events.length).toBe(30)
  release()
  await expect.poll(stateOf(node)).toBe(0)
  expect(await node.metric('ticker_memory_state_changes_total{state="critical"}')).toBe(1)
  const lines = node.logLines.join('')
  expect(lines).toContain('memory is short: new sessions and resumes are refused')
  expect(lines).toContain('fewer recent events are kept')
  expect(lines).toContain('memory is no longer short')
  staying.cut()
  leaving.cut()
})
