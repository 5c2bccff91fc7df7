import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGrant } from '../support/defaults.ts'
import { kindsOf, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ heartbeatMs: 60_000_000, clockToleranceMs: 5000 })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

test('a client is warned once, a minute before its token expires', async () => {
  const { transport } = await fixture.openLive({ expiresAtMs: startMs + 100_000 })
  await vi.advanceTimersByTimeAsync(39_500)
  expect(transport.take()).toEqual([])
  await vi.advanceTimersByTimeAsync(50_000)
  expect(transport.take()).toEqual([{ T: 'expiring', expiresAt: '2027-01-15T08:01:40.000Z', inMs: 60_000 }])
})

test('a client whose token has less left is warned at once, after its answer', async () => {
  const pair = fixture.open()
  fixture.verify = () => Promise.resolve(createGrant({ expiresAtMs: startMs + 30_000 }))
  pair.session.authenticate('x')
  await vi.advanceTimersByTimeAsync(0)
  expect(kindsOf(pair.transport.take())).toEqual(['connected', 'authenticated', 'expiring'])
})

test('a session ends within half a second of its token and the clock tolerance', async () => {
  const { transport } = await fixture.openLive({ expiresAtMs: startMs + 10_200 })
  await vi.advanceTimersByTimeAsync(15_000)
  expect(transport.closed).toBeUndefined()
  await vi.advanceTimersByTimeAsync(500)
  expect(transport.closed).toBe('tokenExpired')
  expect(transport.take().at(-1)).toMatchObject({ code: 401 })
})

test('a token taken within the tolerance is warned of and lasts for the rest of it', async () => {
  const { transport } = await fixture.openLive({ expiresAtMs: startMs - 2000 })
  await vi.advanceTimersByTimeAsync(2500)
  expect(transport.closed).toBeUndefined()
  await vi.advanceTimersByTimeAsync(500)
  expect(transport.closed).toBe('tokenExpired')
})

// Cause: Node's timers overflow at 2^31 ms and then fire at once.
// Symptom: a session under a token of a month would end as soon as it began.
// Seen: in the documentation of setTimeout, before there was such a timer.
test('a token of a hundred years is as good as any', async () => {
  const { transport, session } = await fixture.openLive({ expiresAtMs: startMs + 3.2e12 })
  await vi.advanceTimersByTimeAsync(60_000)
  expect([session.state, transport.take()]).toEqual(['live', []])
})

test('a further token puts off the end, and is warned of anew', async () => {
  const { session, transport } = await fixture.openLive({ expiresAtMs: startMs + 61_000 })
  await vi.advanceTimersByTimeAsync(2000)
  fixture.renew(session, { expiresAtMs: startMs + 121_000 })
  await vi.advanceTimersByTimeAsync(70_000)
  expect(kindsOf(transport.take())).toEqual(['expiring', 'authenticated', 'expiring'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(transport.closed).toBe('tokenExpired')
})

test('a session whose further token is still being checked ends with the former', async () => {
  const { session, transport } = await fixture.openLive({ expiresAtMs: startMs + 1000 })
  fixture.verify = () => new Promise(() => undefined)
  session.authenticate('y')
  await vi.advanceTimersByTimeAsync(6500)
  expect(transport.closed).toBe('tokenExpired')
})
