import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Grant } from '../../src/auth/grant.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Feed } from '../../src/feed/feed.ts'
import type { Sessions } from '../../src/session/sessions.ts'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const trade = (S: string, p: number): MarketEvent => ({ T: 't', S, p, s: 1, t: '2026-01-02T14:30:00Z' })

let fixture: SessionFixture
let feed: Feed
let sessions: Sessions

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture()
  ;({ feed, sessions } = fixture)
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

const openLive = (grant: Partial<Grant> = {}): Promise<Pair> => fixture.openLive(grant)

describe('a live session', () => {
  test('is acknowledged with its whole subscription and the positions, before any data', async () => {
    const { session, transport } = await openLive()
    feed.advance({ partition: { topic: 'market.trades', partition: 0 }, epoch: 'e', offset: 42 }, 42)
    request(session, {
      action: 'subscribe',
      trades: ['AAPL'],
      id: 5,
      snapshot: true,
      policy: { trades: 'conflate' },
    })
    const [known, ...answer] = transport.take()
    expect(known).toMatchObject({ T: 'partitions', partitions: [{ number: 0, positions: '16' }] })
    expect(answer).toEqual([
      {
        T: 'subscription',
        id: 5,
        trades: ['AAPL'],
        quotes: [],
        bars: [],
        updatedBars: [],
        dailyBars: [],
        statuses: [],
        lulds: [],
        corrections: ['AAPL'],
        cancelErrors: ['AAPL'],
        news: [],
        policy: { trades: 'conflate', corrections: 'every', cancelErrors: 'every' },
        partitions: [{ topic: 'market.trades', epoch: 'e', partition: 0, number: 0, positions: '16' }],
      },
      { T: 'snapshot', id: 5, events: [], complete: true },
    ])
  })

  test('that takes * sees no more than its token entitles to', async () => {
    const { session, transport } = await openLive({ symbols: new Set(['AAPL', 'MSFT']) })
    request(session, { action: 'subscribe', trades: ['*'], news: ['*'] })
    transport.take()
    const article = { T: 'n', id: 1, headline: 'h', created_at: '2026-01-02T14:30:00Z' } as const
    for (const event of [
      trade('AAPL', 1),
      trade('TSLA', 2),
      trade('MSFT', 3),
      { ...article, symbols: ['TSLA'] },
      { ...article, symbols: [] },
      { ...article, symbols: ['TSLA', 'MSFT'] },
    ]) {
      feed.add(event, { partition: 0, offset: 0, writtenMs: 0 })
    }
    feed.flush()
    request(session, { action: 'subscribe', trades: ['*'], snapshot: true })
    expect(transport.take()).toEqual([
      trade('AAPL', 1),
      trade('MSFT', 3),
      { ...article, symbols: ['TSLA', 'MSFT'] },
      expect.objectContaining({ T: 'subscription' }),
      { T: 'snapshot', events: [trade('AAPL', 1), trade('MSFT', 3)], complete: true },
    ])
  })

  test.each([
    [{ action: 'subscribe', trades: ['AAPL', 'TSLA'] }, 'trades/TSLA'],
    [{ action: 'subscribe', quotes: ['AAPL'] }, 'quotes/AAPL'],
    [{ action: 'subscribe', trades: ['AAPL'], quotes: ['*'] }, 'quotes/*'],
  ])('is refused %j whole', async (message, item) => {
    const { session, transport } = await openLive({
      symbols: new Set(['AAPL']),
      channels: new Set(['trades']),
    })
    request(session, message)
    expect(transport.take()).toEqual([
      expect.objectContaining({ code: 409, msg: 'insufficient subscription' }),
    ])
    expect(session.size).toBe(0)
    request(session, message)
    expect(String(transport.take()[0]!['detail'])).toMatch(new RegExp(`^${item.replace('*', '\\*')}: `))
  })

  test('may have as many items as the limit, and one more leaves it as it was', async () => {
    const { session, transport } = await openLive()
    request(session, { action: 'subscribe', trades: ['A', 'B', 'C', 'D', 'E'] })
    request(session, { action: 'subscribe', trades: ['A'], quotes: ['F'] })
    expect(transport.take().at(-1)).toMatchObject({ code: 405, msg: 'symbol limit exceeded' })
    expect(session.size).toBe(5)
  })

  test('keeps the symbols named beside * when * is unsubscribed', async () => {
    const { session, transport } = await openLive()
    request(session, { action: 'subscribe', quotes: ['*', 'AAPL'] })
    request(session, { action: 'unsubscribe', quotes: ['*'] })
    expect(transport.take().at(-1)).toMatchObject({ quotes: ['AAPL'] })
  })

  test('gets a large snapshot in pieces, as fast as it reads, and does not count as slow', async () => {
    const { session, transport } = await openLive()
    for (let index = 0; index < 20_000; index++)
      feed.add(trade(`S${index}`, index), { partition: 0, offset: 0, writtenMs: 0 })
    feed.flush()
    transport.hasRoom = false
    request(session, { action: 'subscribe', trades: ['*'], snapshot: true })
    expect(transport.take()).toMatchObject([{ T: 'subscription' }])
    feed.add(trade('S19999', -1), { partition: 0, offset: 0, writtenMs: 0 })
    feed.flush()
    transport.drained()
    await vi.advanceTimersByTimeAsync(100)
    const [live, ...pieces] = transport.take()
    expect(live).toEqual(trade('S19999', -1))
    expect(pieces.length).toBeGreaterThan(10)
    expect(pieces.map(({ complete }) => complete)).toEqual([...pieces.slice(1).map(() => false), true])
    const events = pieces.flatMap(({ events: some }) => some as { S: string; p: number }[])
    expect(new Set(events.map(({ S }) => S)).size).toBe(20_000)
    // A piece holds the values of the moment it is sent, so none is older than what came live before it.
    expect(events.find(({ S }) => S === 'S19999')).toMatchObject({ p: -1 })
  })

  test('that never reads its answers is ended too', async () => {
    const { session, transport } = await openLive()
    transport.isCongested = true
    request(session, { action: 'subscribe', nothing: [] })
    expect(transport.closed).toBe('tooSlow')
  })

  test('ends when its token does', async () => {
    const { transport } = await openLive({ expiresAtMs: Date.now() + 7000 })
    await vi.advanceTimersByTimeAsync(5000)
    expect(transport.take()).toMatchObject([{ T: 'heartbeat' }])
    await vi.advanceTimersByTimeAsync(5000)
    expect(transport.take()).toMatchObject([{ code: 401 }])
    expect(transport.closed).toBe('tokenExpired')
  })

  test('hears in heartbeats how old the newest event of each channel is', async () => {
    const { transport } = await openLive()
    feed.add(trade('AAPL', 1), { partition: 0, offset: 0, writtenMs: performance.now() - 250 })
    feed.flush()
    await vi.advanceTimersByTimeAsync(5000)
    expect(transport.take()).toEqual([
      { T: 'heartbeat', t: '2027-01-15T08:00:05.000Z', agesMs: { trades: 5250 }, lag: 0, positions: [] },
    ])
  })

  test('hears heartbeats, and expires, also while the node drains', async () => {
    const { session, transport } = await openLive({ expiresAtMs: Date.now() + 7000 })
    const drained = sessions.drain(60_000)
    transport.take()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(transport.take()).toMatchObject([{ T: 'heartbeat' }, { code: 401 }])
    sessions.remove(session)
    await drained
  })

  test('gets notice of a drain and is closed at its time', async () => {
    const { session, transport } = await openLive()
    const drained = sessions.drain(1000)
    expect(transport.take()).toEqual([{ T: 'shutdown', reconnectInMs: 500 }])
    await vi.advanceTimersByTimeAsync(500)
    expect(transport.closed).toBe('draining')
    sessions.remove(session)
    await drained
  })
})

describe('requests that are refused', () => {
  test.each([
    ['{', /^not JSON: "\{"$/],
    ['[]', /expected a JSON object with an "action"$/],
    ['{"action":"subscribe","trade":[]}', /^"trade": unknown field of subscribe; known: action, id, /],
    ['{"action":"subscribe","cursor":"x"}', /^cursor: expected an object/],
    ['{"action":"toString"}', /^action="toString": expected auth, subscribe, unsubscribe or ack$/],
    ['{"action":"subscribe","trades":"AAPL"}', /^trades="AAPL": expected an array of symbols/],
    ['{"action":"subscribe","trades":[7]}', /^trades: 7 is not a symbol/],
    [
      '{"action":"subscribe","policy":{"trades":"all"}}',
      /^policy\.trades="all": expected "every" or "conflate"$/,
    ],
    ['{"action":"subscribe","policy":{"__proto__x":"every"}}', /is not a channel/],
    ['{"action":"subscribe","snapshot":1}', /^snapshot=1: expected true or false$/],
    ['{"action":"subscribe","id":{}}', /^id=an object: expected a text/],
    // Cause: JSON.stringify recurses into objects with index keys, to quote the value in the error.
    // Symptom: a message of 18 kB from anyone overflowed the stack and ended the process.
    // Seen: in a review, by {"action":{"0":{"0":…
    [`{"action":${'{"0":'.repeat(9000)}1${'}'.repeat(9001)}`, /^action=an object: expected auth/],
    [
      `{"action":"subscribe","trades":[${'['.repeat(9000)}${']'.repeat(9000)}]}`,
      /^trades: an array of 1 is not a symbol/,
    ],
    ['{"action":"auth"}', /^token: expected a JSON Web Token as text$/],
    ['{"action":"subscribe","__proto__":{"a":1}}', /^"__proto__": unknown field/],
  ])('%s', async (text, detail) => {
    const { session, transport } = await openLive()
    session.receive(text)
    const [error] = transport.take()
    expect(error).toMatchObject({ T: 'error', code: 400, msg: 'invalid syntax' })
    expect(String(error!['detail'])).toMatch(detail)
    expect(session.state).toBe('live')
  })

  // Cause: an `id` was echoed as it came, and long values were cut within a character to be quoted.
  // Symptom: the client's own strict reader refused the answer.
  // Seen: an `id` with half a surrogate pair (issue 13).
  test.each([
    ['{"action":"subscribe","trades":["AAPL"],"id":"a\\ud83d"}', { id: 'a\ufffd' }],
    ['{"action":"subscribe","trades":["A\\ud83d"],"id":"\\udc00"}', { code: 400, id: '\ufffd' }],
    ['{"action":"\\ud83d"}', { code: 400, detail: expect.stringContaining('"\ufffd"') }],
    [`{"action":"${'x'.repeat(59)}📈 and more"}`, { detail: expect.stringContaining('"xxx') }],
    ['{"action":"subscribe","\\udc00":1}', { code: 400 }],
    ['{"action":"subscribe","policy":{"\\udc00":1}}', { code: 400 }],
  ])('no half surrogate pair is in the answer to %s', async (text, expected) => {
    const { session, transport } = await openLive()
    session.receive(text)
    const answers = transport.take()
    expect(answers[0]).toMatchObject(expected)
    expect(JSON.stringify(answers)).not.toMatch(/\\ud[89a-f]/i)
  })
})
