import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { kindsOf, type Pair, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({
    maxSessions: 1000,
    sessionsPerUserPerSecond: 1000,
    maxSessionsPerUser: 1000,
  })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
const ofAnn = { tokens: { kind: 'sub', subject: 'ann' } } as const

test('the sessions of a revoked user end at once, and are not to come back', async () => {
  const ann = await fixture.openLive()
  const bob = await fixture.openLive({ subject: 'bob' })
  expect(fixture.sessions.revoke(ofAnn)).toMatchObject({ sessions: 1, revocation: { number: 1 } })
  expect(ann.transport.take()).toMatchObject([
    { code: 401, detail: 'the token was withdrawn by the operator' },
  ])
  expect(ann.transport.closed).toBe('revoked')
  expect(bob.session.state).toBe('live')
})

test('the session of a revoked token ends, another of its user goes on', async () => {
  const first = await fixture.openLive({ tokenId: 'first' })
  const second = await fixture.openLive({ tokenId: 'second' })
  fixture.sessions.revoke({ tokens: { kind: 'jti', tokenId: 'first' } })
  expect([first.session.state, second.session.state]).toEqual(['ended', 'live'])
})

test('a session that goes on under a further token does not end with the former', async () => {
  const { session } = await fixture.openLive({ tokenId: 'first' })
  fixture.renew(session, { tokenId: 'second' })
  await turn()
  expect(fixture.sessions.revoke({ tokens: { kind: 'jti', tokenId: 'first' } }).sessions).toBe(0)
  expect(session.state).toBe('live')
})

test('a token that is revoked while its session waits for its turn is refused', async () => {
  const slow = new SessionFixture({ sessionsPerUserPerSecond: 1, maxSessions: 100, authTimeoutMs: 10_000 })
  for (let count = 0; count < 4; count++) await slow.openLive()
  const { session, transport } = await slow.openLive()
  expect(session.state).toBe('verifying')
  slow.sessions.revoke(ofAnn)
  await vi.advanceTimersByTimeAsync(1000)
  expect(transport.take()).toMatchObject([{ code: 402, detail: 'the token was refused: revoked' }])
  expect(transport.closed).toBe('unauthorized')
  expect(slow.sessions.counts.tokens.revoked).toBe(1)
  expect(slow.sessions.list().sessions.map(({ state }) => state)).not.toContain('live')
  await slow.end()
})

test('a further token that is revoked is refused, and the session goes on', async () => {
  const { session, transport } = await fixture.openLive({ tokenId: 'first' })
  fixture.sessions.revoke({ tokens: { kind: 'jti', tokenId: 'second' } })
  fixture.renew(session, { tokenId: 'second' })
  await turn()
  expect(kindsOf(transport.take())).toEqual([402])
  expect(session.state).toBe('live')
})

test('of many sessions some end in each turn of the event loop', async () => {
  const pairs: Pair[] = []
  for (let count = 0; count < 350; count++) pairs.push(await fixture.openLive())
  const live = (): number => pairs.filter(({ session }) => session.state === 'live').length
  expect(fixture.sessions.revoke(ofAnn).sessions).toBe(350)
  expect(live()).toBe(250)
  await vi.advanceTimersByTimeAsync(10)
  expect(live()).toBe(0)
})
