import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kindsOf, type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const stages: SessionFixture[] = []
const create = (...changes: ConstructorParameters<typeof SessionFixture>): SessionFixture => {
  const fixture = new SessionFixture(...changes)
  stages.push(fixture)
  return fixture
}

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
})
afterEach(async () => {
  for (const fixture of stages.splice(0)) await fixture.end()
  vi.useRealTimers()
})

test('a user may have so many sessions; a further one gets the limit that it met', async () => {
  const fixture = create({ maxSessionsPerUser: 2, maxSessions: 10 })
  const first = await fixture.openLive()
  await fixture.openLive()
  const third = await fixture.openLive()
  expect(third.transport.closed).toBe('connectionLimit')
  const bob = await fixture.openLive({ subject: 'bob' })
  expect(bob.session.state).toBe('live')
  fixture.sessions.remove(first.session)
  expect((await fixture.openLive()).session.state).toBe('live')
  expect(fixture.sessions.admissionCounts.refused).toEqual({
    node: 0,
    user: 1,
    rate: 0,
    memory: 0,
    silence: 0,
  })
})

test.each([
  [{ maxSessions: 0 }, 'this node has all of its 0 sessions; reconnect later'],
  [{ maxSessionsPerUser: 0 }, 'this user has all of its 0 sessions; end one, or reconnect later'],
])('with %o a session ends with 406 and why', async (changes, detail) => {
  const fixture = create(changes)
  const { session, transport } = fixture.open()
  request(session, { action: 'auth', token: 'x', id: 9 })
  await vi.advanceTimersByTimeAsync(0)
  expect(transport.take().at(-1)).toMatchObject({ code: 406, detail, id: 9 })
})

test('a session that the node has no place for gives the place of its user back', async () => {
  const fixture = create({ maxSessions: 1, maxSessionsPerUser: 2 })
  const { session } = await fixture.openLive()
  for (let count = 0; count < 5; count++) await fixture.openLive()
  fixture.sessions.remove(session)
  expect((await fixture.openLive()).session.state).toBe('live')
})

test('a user that begins sessions faster waits, then is refused; others do not notice', async () => {
  const fixture = create({ sessionsPerUserPerSecond: 2, maxSessions: 100, authTimeoutMs: 10_000 })
  const pairs: Pair[] = []
  for (let count = 0; count < 20; count++) pairs.push(await fixture.openLive())
  const countOf = (state: string): number => pairs.filter(({ session }) => session.state === state).length
  // Four seconds' worth at once; those that would wait for more than five seconds are refused.
  expect([countOf('live'), countOf('verifying'), countOf('ended')]).toEqual([8, 10, 2])
  expect((await fixture.openLive({ subject: 'bob' })).session.state).toBe('live')
  await vi.advanceTimersByTimeAsync(2500)
  expect(countOf('live')).toBe(13)
  await vi.advanceTimersByTimeAsync(2500)
  expect(countOf('live')).toBe(18)
  expect(fixture.sessions.admissionCounts).toMatchObject({ delayed: 10, refused: { rate: 2 } })
})

test('nobody waits longer than authentication may take', async () => {
  const fixture = create({ sessionsPerUserPerSecond: 1, maxSessions: 100, authTimeoutMs: 1500 })
  for (let count = 0; count < 5; count++) await fixture.openLive()
  const { transport } = await fixture.openLive()
  expect(transport.closed).toBe('connectionLimit')
})

test('a session that ends while it waits gives back what it is then given', async () => {
  const fixture = create({
    sessionsPerUserPerSecond: 1,
    maxSessionsPerUser: 5,
    authTimeoutMs: 10_000,
    maxSessions: 5,
  })
  for (let count = 0; count < 4; count++) await fixture.openLive()
  const { session, transport } = await fixture.openLive()
  fixture.sessions.remove(session)
  await vi.advanceTimersByTimeAsync(1000)
  expect(kindsOf(transport.take())).toEqual([])
  await vi.advanceTimersByTimeAsync(5000)
  expect((await fixture.openLive()).session.state).toBe('live')
})

test('the time until authentication counts from the connection, not from the session', async () => {
  const fixture = create()
  const { transport } = fixture.open(900)
  await vi.advanceTimersByTimeAsync(100)
  expect(transport.closed).toBe('authTimeout')
})
