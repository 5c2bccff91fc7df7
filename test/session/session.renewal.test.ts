import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Grant } from '../../src/auth/grant.ts'
import { TokenError } from '../../src/auth/token-error.ts'
import { kindsOf, request, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ maxItemsPerSession: 20_000 })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('a further token of the same user', () => {
  test('is answered with its own expiry and the id', async () => {
    const { session, transport } = await fixture.openLive()
    fixture.renew(session, { expiresAtMs: Date.parse('2029-01-01T00:00:00Z') })
    await turn()
    expect(transport.take()).toEqual([
      expect.objectContaining({
        T: 'success',
        msg: 'authenticated',
        id: 'renewal',
        expiresAt: '2029-01-01T00:00:00.000Z',
      }),
    ])
    expect(fixture.sessions.counts.renewals).toBe(1)
    expect(session.state).toBe('live')
  })

  test('that entitles to less takes what it lacks away at once, and states what remains', async () => {
    const { session, transport } = await fixture.openLive()
    request(session, { action: 'subscribe', trades: ['AAPL', 'MSFT'], quotes: ['AAPL'] })
    transport.take()
    fixture.renew(session, { channels: new Set(['trades']), symbols: new Set(['MSFT', 'TSLA']) })
    await turn()
    for (const symbol of ['AAPL', 'MSFT', 'TSLA']) fixture.trade(symbol, 1)
    const [answer, subscription, ...events] = transport.take()
    expect(answer).toMatchObject({ msg: 'authenticated' })
    expect(subscription).toMatchObject({ T: 'subscription', trades: ['MSFT'], quotes: [] })
    expect(subscription).not.toHaveProperty('id')
    expect(events).toMatchObject([{ S: 'MSFT' }])
  })

  test('moves * to what it entitles to, and states the positions from which that holds', async () => {
    const { session, transport } = await fixture.openLive({ symbols: new Set(['AAPL']) })
    request(session, { action: 'subscribe', trades: ['*'] })
    transport.take()
    fixture.renew(session, { symbols: new Set(['AAPL', 'MSFT']) })
    await turn()
    for (const symbol of ['AAPL', 'MSFT', 'TSLA']) fixture.trade(symbol, 1)
    expect(transport.take()).toMatchObject([
      { msg: 'authenticated' },
      { T: 'subscription', trades: ['*'] },
      { S: 'AAPL' },
      { S: 'MSFT' },
    ])
  })

  test('that changes nothing is followed by nothing', async () => {
    const { session, transport } = await fixture.openLive()
    request(session, { action: 'subscribe', trades: ['AAPL'] })
    transport.take()
    fixture.renew(session, {})
    await turn()
    fixture.trade('AAPL', 1)
    expect(kindsOf(transport.take())).toEqual(['authenticated', 't'])
  })

  test('takes what it lacks out of a snapshot that is on its way', async () => {
    const { session, transport } = await fixture.openLive()
    for (let index = 0; index < 5000; index++) fixture.trade(`S${index}`, index)
    transport.hasRoom = false
    request(session, { action: 'subscribe', trades: ['*'], snapshot: true, id: 1 })
    request(session, { action: 'unsubscribe', trades: ['*'] })
    transport.take()
    fixture.renew(session, { symbols: new Set(['S17', 'S18']) })
    await turn()
    expect(kindsOf(transport.take())).toEqual(['authenticated'])
    transport.drained()
    await turn()
    expect(transport.take()).toMatchObject([
      { T: 'snapshot', id: 1, events: [{ S: 'S17' }, { S: 'S18' }], complete: true },
    ])
  })

  test('lets data flow under the former one while it is being checked', async () => {
    const { session, transport } = await fixture.openLive()
    request(session, { action: 'subscribe', trades: ['AAPL'] })
    transport.take()
    fixture.verify = () => new Promise(() => undefined)
    request(session, { action: 'auth', token: 'y' })
    fixture.trade('AAPL', 1)
    request(session, { action: 'subscribe', trades: ['MSFT'] })
    expect(kindsOf(transport.take())).toEqual(['t', 'subscription'])
    expect(session.state).toBe('renewing')
  })

  test('is checked alone: another meanwhile is error 403', async () => {
    const { session, transport } = await fixture.openLive()
    let checks = 0
    fixture.verify = () => {
      checks++
      return new Promise(() => undefined)
    }
    request(session, { action: 'auth', token: 'y' })
    request(session, { action: 'auth', token: 'z', id: 'z' })
    expect(transport.take()).toMatchObject([{ code: 403, msg: 'already authenticated', id: 'z' }])
    expect(checks).toBe(1)
  })
})

describe('a further token that is no good leaves the session as it was', () => {
  test.each<[string, () => Promise<Grant>, object]>([
    [
      'refused',
      () => Promise.reject(new TokenError('expired', 'secret')),
      { code: 402, detail: 'the token was refused: expired' },
    ],
    [
      'not checked',
      () => Promise.reject(new TokenError('unavailable', 'secret')),
      { code: 500, detail: 'the token could not be checked; try again later' },
    ],
  ])('%s', async (_name, verify, error) => {
    const { session, transport } = await fixture.openLive()
    request(session, { action: 'subscribe', trades: ['AAPL'] })
    transport.take()
    fixture.verify = verify
    request(session, { action: 'auth', token: 'y', id: 'renewal' })
    await turn()
    fixture.trade('AAPL', 1)
    expect(transport.take()).toMatchObject([{ T: 'error', id: 'renewal', ...error }, { S: 'AAPL' }])
    expect(session.state).toBe('live')
  })

  test.each<[Partial<Grant>, string, number?]>([
    [{ subject: 'bob' }, 'the token is for another "sub"; connect anew to change the user'],
    [{ scopes: new Set(['publish']) }, 'the token lacks the scope "stream"'],
    [
      { feeds: new Set(['delayed', 'third']) },
      'the token does not allow the feed "live"; it allows delayed, third: use one of these, or ask ' +
        'for a token with "live" among its feeds',
      409,
    ],
  ])('%o', async (changes, detail, code = 402) => {
    const { session, transport } = await fixture.openLive()
    fixture.renew(session, changes)
    await turn()
    expect(transport.take()).toMatchObject([{ code, detail }])
    expect([session.state, session.subject]).toEqual(['live', 'ann'])
  })

  test('and may be followed by a good one', async () => {
    const { session, transport } = await fixture.openLive()
    fixture.renew(session, { subject: 'bob' })
    await turn()
    fixture.renew(session, {})
    await turn()
    expect(kindsOf(transport.take())).toEqual([402, 'authenticated'])
  })
})

test('a further token found good after the session has ended changes nothing', async () => {
  const { session, transport } = await fixture.openLive()
  fixture.renew(session, {})
  session.end('drain')
  transport.take()
  await turn()
  expect(transport.take()).toEqual([])
  expect(fixture.sessions.feeds.first.states.websocket.live).toBe(0)
})
