import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { AdminClient, adminToken } from './admin-client.ts'

describe('who may administer', () => {
  test('there is no listener unless a token is configured', async () => {
    const { gateway } = await AdminClient.start({ TICKER_ADMIN_TOKEN: '', TICKER_ADMIN_PORT: '' })
    expect(gateway.administrationUrl).toBeUndefined()
  })

  test('whoever has the token, on a listener of its own', async () => {
    const admin = await AdminClient.start()
    expect((await admin.call('GET', '/v1/sessions')).status).toBe(200)
    for (const url of [admin.gateway.url, admin.gateway.operationsUrl]) {
      const headers = { authorization: `Bearer ${adminToken}` }
      expect((await fetch(`${url}/v1/sessions`, { headers })).status).toBe(404)
    }
    expect((await admin.call('GET', '/metrics')).status).toBe(404)
  })

  test('nobody without it, with part of it, or with a token of the stream', async () => {
    const admin = await AdminClient.start()
    const tokens = ['', adminToken.slice(1), `${adminToken}x`, await admin.gateway.token()]
    for (const token of tokens) {
      const { status, headers, body } = await admin.call('GET', '/v1/sessions', { token })
      expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer'])
      expect(body['sessions']).toBeUndefined()
    }
    expect((await admin.call('GET', '/nothing', { token: '' })).status).toBe(401)
    expect(await admin.gateway.metric('ticker_admin_requests_total{status="401"}')).toBe(5)
  })

  test('after ten wrong tokens compares none for a while, which slows down guessing', async () => {
    const admin = await AdminClient.start()
    const guesses = Array.from({ length: 30 }, (_, at) =>
      admin.call('GET', '/v1/sessions', { token: `guess ${at}`.padEnd(40, 'x').replaceAll(' ', '-') }),
    )
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter(status => status === 401)).toHaveLength(10)
    expect(statuses.filter(status => status === 429)).toHaveLength(20)
    const { status, headers } = await admin.call('GET', '/v1/sessions')
    expect([status, headers['retry-after']]).toEqual([429, '1'])
  })

  test('right tokens do not use up what wrong ones may', async () => {
    const admin = await AdminClient.start()
    for (let i = 0; i < 30; i++) expect((await admin.call('GET', '/v1/drain')).status).toBe(200)
  })

  test('no page in a browser, and nobody whose name was rebound to this machine', async () => {
    const admin = await AdminClient.start()
    const hosts = ['evil.example', 'evil.example:9465', 'localhost.evil.example', '10.0.0.1']
    for (const host of hosts) {
      const { status, body } = await admin.call('GET', '/v1/sessions', { headers: { host } })
      expect([status, body['error']]).toEqual([403, expect.stringMatching(/^Host: expected localhost/)])
    }
    for (const origin of ['http://localhost:3000', 'null']) {
      expect((await admin.call('GET', '/v1/sessions', { headers: { origin } })).status).toBe(403)
    }
    const preflight = { origin: 'http://localhost:3000', 'access-control-request-method': 'DELETE' }
    const { status, headers } = await admin.call('OPTIONS', '/v1/sessions/1', { headers: preflight })
    expect(status).toBe(403)
    expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([])
    for (const host of ['localhost', '127.0.0.1:9465', '[::1]:9465', 'LOCALHOST']) {
      expect((await admin.call('GET', '/v1/sessions', { headers: { host } })).status).toBe(200)
    }
  })

  test('nobody who names no host at all', async () => {
    const admin = await AdminClient.start()
    const { hostname, port } = new URL(admin.gateway.administrationUrl ?? '')
    const socket = connect(Number(port), hostname)
    socket.end(`GET /v1/sessions HTTP/1.0\r\nAuthorization: Bearer ${adminToken}\r\n\r\n`)
    expect(await text(socket)).toMatch(/^HTTP\/1.1 403 /)
  })

  test('refusals and actions are logged with the address, and no line has a token', async () => {
    const admin = await AdminClient.start()
    await admin.call('GET', '/v1/sessions', { token: 'a-wrong-token-a-wrong-token-a-wrong-token' })
    await admin.call('POST', '/v1/revocations', { body: { sub: 'ann', reason: 'left' } })
    expect(admin.logged).toMatchObject([
      { msg: 'administration refused', address: '127.0.0.1', status: 401 },
      { administrator: '127.0.0.1', action: 'tokens revoked', revocation: { sub: 'ann', reason: 'left' } },
    ])
    const log = admin.gateway.logLines.join('\n')
    expect(log).not.toContain('a-wrong-token')
    expect(log).not.toContain(adminToken)
  })
})

describe('a request that is wrong', () => {
  test.each([
    ['no JSON', '{', 400],
    ['an array', '[]', 400],
    ['no text', '', 400],
    ['a prototype', '{"__proto__":{"sub":"ann"}}', 400],
    ['too long', `{"sub":"ann","reason":"${'x'.repeat(5000)}"}`, 413],
  ])('by its body: %s', async (_what, body, expected) => {
    const admin = await AdminClient.start()
    const answer = await admin.call('POST', '/v1/revocations', { body })
    expect([answer.status, typeof answer.body['error']]).toEqual([expected, 'string'])
  })

  test('by its type', async () => {
    const admin = await AdminClient.start()
    const headers = { 'content-type': 'text/plain' }
    const { status } = await admin.call('POST', '/v1/revocations', { headers, body: '{"sub":"ann"}' })
    expect(status).toBe(415)
  })

  test('says what there is not', async () => {
    const admin = await AdminClient.start()
    expect(await admin.call('GET', '/v1/nothing?secret=1')).toMatchObject({
      status: 404,
      body: { error: 'GET /v1/nothing: there is nothing here' },
    })
  })

  test('and is never whole does not crowd others out', async () => {
    const admin = await AdminClient.start()
    const url = `${admin.gateway.administrationUrl}/v1/drain`
    const held = request(url, { method: 'POST', headers: { 'content-length': '10' } })
    held.on('error', () => undefined)
    held.flushHeaders()
    expect((await admin.call('GET', '/v1/sessions')).status).toBe(200)
    held.destroy()
  })
})

describe('sessions', () => {
  test('are listed with who they are, page by page, and by user', async () => {
    const admin = await AdminClient.start()
    const clients = [await admin.subscriber('ann'), await admin.subscriber('bob')]
    clients.push(await admin.subscriber('ann'))
    await clients[0]?.subscribe({ trades: ['AAPL', 'MSFT'] })
    const all = await admin.call('GET', '/v1/sessions')
    const time = expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/)
    expect(all.body['next']).toBeUndefined()
    expect((all.body['sessions'] as object[])[0]).toEqual({
      number: 1,
      feed: 'live',
      transport: 'websocket',
      state: 'live',
      sub: 'ann',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      address: '127.0.0.1',
      form: 'ticker.v1.json',
      since: time,
      expiresAt: time,
      lastMessageAt: time,
      items: 2,
      unsentBytes: 0,
      frames: expect.any(Number),
      bytes: expect.any(Number),
    })
    const numbers = ({ body }: { body: Record<string, unknown> }) =>
      (body['sessions'] as { number: number }[]).map(({ number }) => number)
    const first = await admin.call('GET', '/v1/sessions?limit=2')
    expect([numbers(first), first.body['next']]).toEqual([[1, 2], 2])
    expect(numbers(await admin.call('GET', '/v1/sessions?limit=2&after=2'))).toEqual([3])
    expect(numbers(await admin.call('GET', '/v1/sessions?sub=ann'))).toEqual([1, 3])
    expect(numbers(await admin.call('GET', '/v1/sessions?transport=sse'))).toEqual([])
    for (const client of clients) await client.close()
  })

  test('are ended one by one, with a code that says not to come back', async () => {
    const admin = await AdminClient.start()
    const [ann, bob] = [await admin.subscriber('ann'), await admin.subscriber('bob')]
    expect((await admin.call('DELETE', '/v1/sessions/1')).body).toEqual({ ended: 1 })
    expect((await ann.closed()).code).toBeGreaterThanOrEqual(4500)
    expect(await admin.call('DELETE', '/v1/sessions/99')).toMatchObject({
      status: 404,
      body: { error: 'this node has no session 99; GET /v1/sessions lists them' },
    })
    expect(admin.logged).toMatchObject([{ action: 'session ended', session: 1 }])
    await bob.close()
  })
})

describe('revocations', () => {
  test('of a user end its sessions and refuse its tokens, until they are lifted', async () => {
    const admin = await AdminClient.start()
    const [ann, bob] = [await admin.subscriber('ann'), await admin.subscriber('bob')]
    const token = await admin.gateway.token({ subject: 'ann' })
    const made = await admin.call('POST', '/v1/revocations', { body: { sub: 'ann', reason: 'left us' } })
    expect(made).toMatchObject({
      status: 201,
      headers: { location: '/v1/revocations/1' },
      body: { number: 1, sub: 'ann', reason: 'left us', sessionsEnded: 1 },
    })
    expect((await ann.closed()).code).toBeGreaterThanOrEqual(4500)
    const symbols = async () =>
      (await fetch(`${admin.gateway.url}/v1/symbols`, { headers: { authorization: `Bearer ${token}` } }))
        .status
    expect(await symbols()).toBe(401)
    expect((await admin.call('GET', '/v1/revocations')).body).toMatchObject({
      revocations: [{ number: 1, sub: 'ann', reason: 'left us', since: made.body['since'] }],
    })
    expect((await admin.call('DELETE', '/v1/revocations/1')).body).toEqual({ lifted: 1 })
    expect(await symbols()).toBe(200)
    expect((await admin.call('DELETE', '/v1/revocations/1')).status).toBe(404)
    expect(admin.logged.map(({ action }) => action)).toEqual(['tokens revoked', 'revocation lifted'])
    await bob.close()
  })

  test('of one token leave the others of its user, and are kept as long as is said', async () => {
    const admin = await AdminClient.start()
    const ann = await admin.subscriber('ann')
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const { body } = await admin.call('POST', '/v1/revocations', { body: { jti: 'some id', until } })
    expect(body).toEqual({ number: 1, jti: 'some id', since: body['since'], until, sessionsEnded: 0 })
    await ann.subscribe({ trades: ['AAPL'] })
    await ann.close()
  })
})

describe('a drain', () => {
  test('takes the node out, sends its sessions away, and leaves the process up', async () => {
    const admin = await AdminClient.start()
    const clients = [await admin.subscriber('ann'), await admin.subscriber('bob')]
    expect((await admin.call('GET', '/v1/drain')).body).toEqual({ state: 'serving', sessions: 2 })
    const begun = await admin.call('POST', '/v1/drain', { body: { withinMs: 200 } })
    expect(begun).toMatchObject({ status: 202, body: { state: 'draining', sessions: 2, withinMs: 200 } })
    const ready = await fetch(`${admin.gateway.operationsUrl}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', reason: 'leaving' }])
    for (const client of clients) {
      expect(await client.take('shutdown')).toMatchObject({ reconnectInMs: expect.any(Number) })
      expect(await client.closed()).toEqual({ code: 4000, reason: 'draining' })
    }
    await expect
      .poll(async () => (await admin.call('GET', '/v1/drain')).body)
      .toMatchObject({ state: 'drained', sessions: 0, since: begun.body['since'] })
    expect((await fetch(`${admin.gateway.operationsUrl}/healthz`)).status).toBe(200)
    expect(admin.logged).toMatchObject([{ action: 'drain begun' }])
  })

  test('of ten minutes is overtaken by the end of the process', async () => {
    const admin = await AdminClient.start()
    const ann = await admin.subscriber('ann')
    await admin.call('POST', '/v1/drain', { body: { withinMs: 600_000 } })
    await ann.take('shutdown')
    await admin.gateway.stop()
    expect((await ann.closed()).code).toBe(4000)
  })

  test('without a body takes as long as is configured', async () => {
    const admin = await AdminClient.start({ TICKER_DRAIN_MS: '1' })
    expect((await admin.call('POST', '/v1/drain')).body).toMatchObject({ withinMs: 1 })
  })
})

describe('rebalancing', () => {
  test('sends the stated share of the sessions elsewhere, and the node stays', async () => {
    const admin = await AdminClient.start()
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, index) => admin.subscriber(`user ${index}`)),
    )
    const answer = await admin.call('POST', '/v1/rebalance', { body: { percent: 30, withinMs: 200 } })
    expect([answer.status, answer.body]).toEqual([202, { percent: 30, withinMs: 200, sessions: 3 }])
    const closed: unknown[] = []
    for (const client of clients) {
      client.webSocket.on('close', (code, reason) => closed.push([code, String(reason)]))
    }
    await expect.poll(() => closed).toEqual(Array.from({ length: 3 }, () => [4000, 'draining']))
    expect((await admin.call('GET', '/v1/drain')).body).toEqual({ state: 'serving', sessions: 7 })
    expect((await fetch(`${admin.gateway.operationsUrl}/readyz`)).status).toBe(200)
    const another = await admin.subscriber('newcomer')
    expect(admin.logged).toMatchObject([{ action: 'sessions rebalanced', sessions: 3, percent: 30 }])
    await Promise.all([another, ...clients].map(client => client.close()))
  })

  test('is refused without a share, with one that is none, and on a node that is leaving', async () => {
    const admin = await AdminClient.start()
    for (const body of [undefined, {}, { percent: 0 }, { percent: 101 }, { percent: '50' }]) {
      const { status, body: answer } = await admin.call('POST', '/v1/rebalance', { body })
      expect([status, answer['error']]).toEqual([400, expect.stringContaining('a whole number, 1 to 100')])
    }
    const { body } = await admin.call('POST', '/v1/rebalance', { body: { percent: 5, withinMs: -1 } })
    expect(body['error']).toBe('withinMs: -1; expected whole milliseconds, 0 to 600000')
    await admin.call('POST', '/v1/drain')
    expect((await admin.call('POST', '/v1/rebalance', { body: { percent: 5 } })).status).toBe(409)
  })
})
