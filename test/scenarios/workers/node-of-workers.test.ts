import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { mintTestToken } from '../../support/gateway.ts'
import { GatewayProcess, isRunning, untilGone } from '../../support/gateway-process.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { StreamClient } from '../../support/stream-client.ts'
import { clockOf } from '../../support/test-clock.ts'

const nodes: GatewayProcess[] = []
const folders: string[] = []
const clients: StreamClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.webSocket.terminate()
  for (const node of nodes.splice(0)) await node.stop()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function environment(env: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-workers-'))
  folders.push(folder)
  return { TICKER_WORKERS: '2', TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'), TICKER_DEMO: 'off', ...env }
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
  const node = await GatewayProcess.start(await environment(env))
  nodes.push(node)
  return node
}

async function open(node: GatewayProcess, subject = 'ann'): Promise<StreamClient> {
  const client = await StreamClient.open(node.streamUrl, await mintTestToken({ subject }))
  clients.push(client)
  return client
}

interface Listed {
  readonly number: number
  readonly sub: string
}

async function list(node: GatewayProcess, query = ''): Promise<{ sessions: Listed[]; next?: number }> {
  const { body } = await node.administer('GET', `/v1/sessions${query}`)
  return body as unknown as { sessions: Listed[]; next?: number }
}

/** Which worker has a session. */
const workerOf = ({ number }: Listed): number => Math.floor(number / 1_000_000_000)

describe('a node of two workers', () => {
  test('has one set of quotas: limits hold over both workers, and a dead one frees its slots', async () => {
    const node = await start({
      TICKER_MAX_SESSIONS_PER_USER: '3',
      TICKER_MAX_CONNECTIONS_PER_ADDRESS: '5',
      TICKER_MAX_SESSIONS: '4',
    })
    for (let count = 0; count < 3; count++) await open(node)
    await expect(open(node)).rejects.toThrow('406')
    await node.until(
      async () => (await node.metric('ticker_connections{transport="websocket"}')) === 3,
      'the refused one to be gone',
    )
    expect(new Set((await list(node)).sessions.map(workerOf)).size).toBe(2)
    await open(node, 'bob')
    await expect(open(node, 'bob')).rejects.toThrow('4 sessions')
    await node.until(
      async () => (await node.metric('ticker_connections{transport="websocket"}')) === 4,
      'the refused one to be gone',
    )
    const fifth = new StreamClient(node.streamUrl)
    clients.push(fifth)
    await fifth.take('success')
    const over = new StreamClient(node.streamUrl)
    clients.push(over)
    expect(await over.closed()).toMatchObject({ code: 1006 })
    expect(await node.metric('ticker_handshakes_refused_total{transport="websocket",reason="address"}')).toBe(
      1,
    )

    process.kill(node.workers.get(2)!, 'SIGKILL')
    await node.until(async () => (await node.metric('ticker_workers{state="ready"}')) === 2, 'two workers')
    const left = (await list(node)).sessions.filter(({ sub }) => sub === 'ann').length
    expect(left).toBeLessThan(3)
    fifth.webSocket.terminate()
    await node.until(
      async () => (await node.metric('ticker_connections{transport="websocket"}'))! <= left + 1,
      'it to be gone',
    )
    for (let count = left; count < 3; count++) await open(node)
    await expect(open(node)).rejects.toThrow('406')
  })

  test('lists the sessions of both workers in pages, ends one by number, and revokes tokens', async () => {
    const node = await start()
    const anns = [await open(node), await open(node), await open(node), await open(node)]
    const bob = await open(node, 'bob')
    const first = await list(node, '?limit=2')
    const second = await list(node, `?limit=2&after=${first.next}`)
    const third = await list(node, `?limit=2&after=${second.next}`)
    const numbers = [first, second, third].flatMap(({ sessions }) => sessions.map(({ number }) => number))
    expect(numbers).toHaveLength(5)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(third.next).toBeUndefined()
    const whole = await list(node, '?limit=5')
    expect([whole.sessions.length, whole.next]).toEqual([5, undefined])

    const { sessions } = await list(node, '?sub=bob')
    expect((await node.administer('DELETE', `/v1/sessions/${sessions[0]!.number}`)).status).toBe(200)
    expect(await bob.closed()).toMatchObject({ code: 4503 })
    expect((await node.administer('DELETE', '/v1/sessions/17')).status).toBe(404)

    const { status, body } = await node.administer('POST', '/v1/revocations', { sub: 'ann' })
    expect([status, body['sessionsEnded']]).toEqual([201, 4])
    for (const client of anns) expect(await client.closed()).toMatchObject({ code: 4502 })

    // Its successor knows them, too.
    process.kill(node.workers.get(1)!, 'SIGKILL')
    await node.until(async () => (await node.metric('ticker_worker_restarts_total')) === 1, 'a crash')
    await node.until(async () => (await node.metric('ticker_workers{state="ready"}')) === 2, 'two workers')
    const old = await mintTestToken({ subject: 'ann', clock: clockOf(() => Date.now() - 60_000) })
    for (let count = 0; count < 4; count++) {
      await expect(StreamClient.open(node.streamUrl, old)).rejects.toThrow('not authenticated')
    }
    const number = body['number']
    expect((await node.administer('DELETE', `/v1/revocations/${String(number)}`)).status).toBe(200)
    for (let count = 0; count < 4; count++) clients.push(await StreamClient.open(node.streamUrl, old))
  })

  test('sends a share of the sessions of each worker elsewhere, and stays', async () => {
    const node = await start()
    const opened = [await open(node), await open(node), await open(node), await open(node)]
    const closed: number[] = []
    for (const client of opened) client.webSocket.on('close', code => closed.push(code))
    const answer = await node.administer('POST', '/v1/rebalance', { percent: 50, withinMs: 100 })
    expect(answer).toMatchObject({ status: 202, body: { sessions: 2 } })
    await node.until(async () => closed.length === 2, 'the end of two sessions')
    expect(closed).toEqual([4000, 4000])
    expect((await fetch(`${node.operationsUrl}/readyz`)).status).toBe(200)
    await Promise.all(opened.map(client => client.close()))
  })

  test('is drained by its administrator as one, and stays up until it is stopped', async () => {
    const node = await start()
    const both = [await open(node), await open(node)]
    const { status, body } = await node.administer('POST', '/v1/drain', { withinMs: 300 })
    expect([status, body['state'], body['sessions']]).toEqual([202, 'draining', 2])
    for (const client of both) {
      expect(await client.take('shutdown')).toMatchObject({ reconnectInMs: expect.any(Number) })
      expect(await client.closed()).toMatchObject({ code: 4000 })
    }
    await node.until(async () => {
      const { body: facts } = await node.administer('GET', '/v1/drain')
      return facts['state'] === 'drained' && facts['sessions'] === 0
    }, 'the end of the drain')
    const health = await fetch(`${node.operationsUrl}/readyz`)
    expect([health.status, await health.json()]).toEqual([503, { status: 'not ready', reason: 'leaving' }])
    expect((await fetch(`${node.operationsUrl}/healthz`)).status).toBe(200)
    expect(await node.metric('ticker_ready')).toBe(0)
  })

  test('drains on SIGTERM with a message to each client, and leaves no process', async () => {
    const node = await start({ TICKER_DRAIN_MS: '300' })
    const both = [await open(node), await open(node)]
    const pids = [...node.workers.values()]
    node.signal('SIGTERM')
    for (const client of both) {
      await client.take('shutdown')
      expect(await client.closed()).toMatchObject({ code: 4000 })
    }
    expect(await node.ended).toBe(0)
    expect(pids.filter(isRunning)).toEqual([])
    expect(node.log).toContain('stopping: clients have 300 ms to leave')
    expect(node.log).not.toContain('another one begins')
  })

  test('ends at once on a second SIGTERM, with its workers', async () => {
    const node = await start({ TICKER_DRAIN_MS: '60000' })
    await open(node)
    node.signal('SIGTERM')
    await node.until(() => node.log.includes('stopping:'), 'the first signal')
    // For half a second the gateway takes the same signal for npm's echo.
    await waitUntil(() => {
      node.signal('SIGTERM')
      return node.hasEnded
    }, 'its end')
    expect(await node.ended).toBe(130)
    await untilGone([...node.workers.values()])
  })

  test('whose primary is killed leaves no worker behind', async () => {
    const node = await start()
    const client = await open(node)
    node.signal('SIGKILL')
    await untilGone([...node.workers.values()])
    expect(await client.closed()).toMatchObject({ code: 1006 })
  })

  test('has one demo feed, which both read', async () => {
    const node = await start({ TICKER_DEMO: 'on' })
    const both = [await open(node), await open(node, 'bob')]
    for (const client of both) await client.subscribe({ trades: ['*'] })
    const [first, second] = await Promise.all(both.map(client => client.takeMany(50)))
    const idsOf = (events: typeof first): string[] => (events ?? []).map(event => JSON.stringify(event))
    const shared = idsOf(first).filter(id => idsOf(second).includes(id))
    expect(shared.length).toBeGreaterThan(10)
    expect(new Set(idsOf(first)).size).toBe(50)
  })
})

describe('a node that cannot start', () => {
  test('says once what is wrong, and ends as a single process does', async () => {
    const node = new GatewayProcess(await environment({ TICKER_DECODER: 'node:fs' }))
    nodes.push(node)
    expect(await node.ended).toBe(2)
    expect(node.log.match(/TICKER_DECODER=node:fs: expected a module/g)).toHaveLength(1)
    expect(node.log).toContain('the first worker ended with code 2 before it listened')
  })

  test('serves every feed in each worker, and lists the sessions of one', async () => {
    const node = await start({ TICKER_FEEDS: 'live,second' })
    const openAt = async (feed: string): Promise<StreamClient> => {
      const client = await StreamClient.open(`${node.streamUrl}${feed}`, await mintTestToken())
      clients.push(client)
      await client.subscribe({ trades: ['AAPL'] })
      return client
    }
    const opened = [await openAt(''), await openAt('/second'), await openAt(''), await openAt('/second')]
    const published = await fetch(`${node.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await mintTestToken({ scopes: ['publish'] })}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' }),
    })
    expect(published.status).toBe(200)
    for (const client of opened) expect(await client.take('t')).toMatchObject({ p: 1 })
    expect((await list(node, '?feed=second')).sessions).toMatchObject([
      { feed: 'second' },
      { feed: 'second' },
    ])
    expect((await list(node)).sessions).toHaveLength(4)
    const unknown = await node.administer('GET', '/v1/sessions?feed=third')
    expect([unknown.status, unknown.body['error']]).toEqual([400, 'feed: "third"; expected live or second'])
    const live = 'ticker_sessions{feed="second",transport="websocket",state="live"}'
    expect(await node.metric(live)).toBe(2)
    expect(await node.metric('ticker_records_total{feed="second"}')).toBe(1)
  })
})
