import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const cheap = { p: { lt: 10 } }
const dear = { p: { gte: 100 } }

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ maxFilters: 2, maxSessions: 10 })
})

afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

function subscribe({ session, transport }: Pair, message: object): Record<string, unknown> {
  request(session, { action: 'subscribe', ...message })
  return transport.take().at(-1)!
}

/** The prices that a client is delivered of the trades at 1, 50 and 200. */
function delivered({ transport }: Pair, symbol = 'A'): unknown[] {
  for (const price of [1, 50, 200]) fixture.trade(symbol, price)
  return transport
    .take()
    .filter(({ T }) => T === 't')
    .map(({ p }) => p)
}

describe('a filter', () => {
  test('lets the events through that it is for, and is stated in canonical form', async () => {
    const pair = await fixture.openLive()
    const answer = subscribe(pair, {
      trades: ['A'],
      where: { trades: { not: { p: { lt: 100 } } }, quotes: dear },
    })
    expect(answer).toMatchObject({ T: 'error', code: 400 })
    expect(subscribe(pair, { trades: ['A'], where: { trades: { all: [dear] } } })).toMatchObject({
      T: 'subscription',
      trades: ['A'],
      where: { trades: dear },
    })
    expect(delivered(pair)).toEqual([200])
  })

  test('is not stated where there is none', async () => {
    const pair = await fixture.openLive()
    expect(subscribe(pair, { trades: ['A'] })).not.toHaveProperty('where')
  })

  test('is for one channel', async () => {
    const pair = await fixture.openLive()
    const answer = subscribe(pair, { trades: ['A'], where: { cancelErrors: dear } })
    expect(answer).toMatchObject({ where: { cancelErrors: dear } })
    expect(delivered(pair)).toEqual([1, 50, 200])
  })

  test('stays when further items are subscribed, and is for them too', async () => {
    const pair = await fixture.openLive()
    subscribe(pair, { trades: ['A'], where: { trades: dear } })
    expect(subscribe(pair, { trades: ['B'] })).toMatchObject({ where: { trades: dear } })
    expect(delivered(pair, 'B')).toEqual([200])
  })

  test('is replaced by another one, without items', async () => {
    const pair = await fixture.openLive()
    subscribe(pair, { trades: ['A'], where: { trades: dear } })
    expect(subscribe(pair, { where: { trades: cheap } })).toMatchObject({ where: { trades: cheap } })
    expect(delivered(pair)).toEqual([1])
  })

  test('is removed by null', async () => {
    const pair = await fixture.openLive()
    subscribe(pair, { trades: ['A'], where: { trades: dear } })
    expect(subscribe(pair, { where: { trades: null } })).not.toHaveProperty('where')
    expect(delivered(pair)).toEqual([1, 50, 200])
  })

  test('stays when the last item of its channel goes, unstated until one comes back', async () => {
    const pair = await fixture.openLive()
    subscribe(pair, { trades: ['A'], where: { trades: dear } })
    request(pair.session, { action: 'unsubscribe', trades: ['A'] })
    expect(pair.transport.take()).toMatchObject([{ T: 'subscription', trades: [] }])
    expect(subscribe(pair, { quotes: ['A'] })).not.toHaveProperty('where')
    expect(subscribe(pair, { trades: ['A'] })).toMatchObject({ where: { trades: dear } })
    expect(delivered(pair)).toEqual([200])
  })

  test('changes nothing if its request is refused', async () => {
    const pair = await fixture.openLive()
    subscribe(pair, { trades: ['A'], where: { trades: dear } })
    expect(subscribe(pair, { trades: ['1', '2', '3', '4', '5'], where: { trades: cheap } })).toMatchObject({
      code: 405,
    })
    expect(subscribe(pair, {})).toMatchObject({ where: { trades: dear } })
    expect(fixture.sessions.filters.size).toBe(1)
  })
})

describe('a node with as many filters as it may have', () => {
  const full =
    'where: too many different filters; at most 2 of all users are in use on this node at a time; ' +
    'nothing of the request was subscribed'

  beforeEach(async () => {
    subscribe(await fixture.openLive(), {
      trades: ['A'],
      where: { trades: cheap, quotes: { spread: { lt: 1 } } },
    })
  })

  test('does nothing of a request for a further one', async () => {
    const pair = await fixture.openLive()
    expect(subscribe(pair, { id: 1, trades: ['A'], where: { trades: dear } })).toEqual({
      T: 'error',
      code: 405,
      msg: 'symbol limit exceeded',
      detail: full,
      id: 1,
    })
    expect(pair.session.size).toBe(0)
    expect(delivered(pair)).toEqual([])
  })

  test('accepts one that is in use', async () => {
    const pair = await fixture.openLive()
    expect(subscribe(pair, { trades: ['A'], where: { trades: { all: [cheap] } } })).toMatchObject({
      T: 'subscription',
    })
    expect(delivered(pair)).toEqual([1])
  })

  test('accepts another one once the session that used one has ended', async () => {
    const other = await fixture.openLive()
    const [first] = fixture.sessions.list().sessions
    fixture.sessions.end(first!.number)
    expect(fixture.sessions.filters.size).toBe(0)
    expect(subscribe(other, { trades: ['A'], where: { trades: dear } })).toMatchObject({ T: 'subscription' })
  })
})

test('a user with as many filters as allowed is told so', async () => {
  await fixture.end()
  fixture = new SessionFixture({ maxFiltersPerUser: 1, maxSessions: 10 })
  subscribe(await fixture.openLive(), { trades: ['A'], where: { trades: dear } })
  expect(subscribe(await fixture.openLive(), { trades: ['A'], where: { trades: cheap } })).toMatchObject({
    code: 405,
    detail: expect.stringContaining('at most 1 of a user are in use'),
  })
})

test('a session that ends before its resume has begun uses no filter any more', async () => {
  fixture.feed.advance({ partition: { topic: 'market', partition: 0 }, epoch: 'e', offset: 5 }, 5)
  const { session } = await fixture.openLive()
  // It waits for the eighth partition, which this node may still find.
  const cursor = { version: 1, partitions: [{ topic: 'market', epoch: 'e', positions: ',,,,,,,1' }] }
  request(session, { action: 'subscribe', trades: ['A'], where: { trades: dear }, cursor })
  expect(session.delivery?.readerState).toBe('planning')
  expect(fixture.sessions.filters.size).toBe(1)
  fixture.sessions.remove(session)
  expect(fixture.sessions.filters.size).toBe(0)
})

test('sessions with equal filters share one, evaluated once per event', async () => {
  const pairs = [await fixture.openLive(), await fixture.openLive(), await fixture.openLive()]
  subscribe(pairs[0]!, { trades: ['A'], where: { trades: dear } })
  subscribe(pairs[1]!, { trades: ['*'], where: { trades: dear } })
  subscribe(pairs[2]!, { trades: ['A', 'B'], where: { trades: { all: [dear] } } })
  expect(delivered(pairs[0]!)).toEqual([200])
  expect(fixture.sessions.filters).toMatchObject({ size: 1, evaluations: 3 })
})
