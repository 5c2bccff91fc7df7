import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TransportName } from '../../src/session/transport.ts'
import { FakeTransport } from './fake-transport.ts'
import { request, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ maxSessions: 1000 })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

test('lists what there is to know of each session', async () => {
  const { session, transport } = await fixture.openLive({
    tokenId: 'a-token',
    expiresAtMs: startMs + 3_600_000,
  })
  await vi.advanceTimersByTimeAsync(2000)
  fixture.open()
  request(session, { action: 'subscribe', trades: ['AAPL'], quotes: ['AAPL'] })
  transport.unsentBytes = 17
  expect(fixture.sessions.list()).toEqual({
    sessions: [
      {
        number: 1,
        feed: 'live',
        transport: 'websocket',
        state: 'live',
        subject: 'ann',
        tokenId: 'a-token',
        address: '192.0.2.1',
        form: 'ticker.v1.json',
        sinceMs: startMs,
        expiresAtMs: startMs + 3_600_000,
        lastMessageMs: startMs + 2000,
        items: 2,
        unsentBytes: 17,
        ...transport.written,
      },
      {
        number: 2,
        feed: 'live',
        transport: 'websocket',
        state: 'connected',
        address: '192.0.2.1',
        form: 'ticker.v1.json',
        sinceMs: startMs + 2000,
        items: 0,
        unsentBytes: 0,
        frames: 1,
        bytes: expect.any(Number),
      },
    ],
  })
})

test('lists in pages, which sessions that come and go do not disturb', () => {
  const pairs = Array.from({ length: 5 }, () => fixture.open())
  const first = fixture.sessions.list({ limit: 2 })
  fixture.sessions.remove(pairs[1]!.session)
  fixture.sessions.remove(pairs[2]!.session)
  const second = fixture.sessions.list({ limit: 2, after: first.next! })
  const numbers = [first, second].map(({ sessions }) => sessions.map(({ number }) => number))
  expect(numbers).toEqual([
    [1, 2],
    [4, 5],
  ])
  expect([first.next, second.next]).toEqual([2, undefined])
})

test('lists those of one transport', () => {
  const { session } = fixture.open()
  const transport = new FakeTransport(undefined, { name: 'sse', hasUpstream: false })
  const other = fixture.sessions.open(transport, { address: '192.0.2.1', ageMs: 0 })
  const listed = (name: TransportName) =>
    fixture.sessions.list({ transport: name }).sessions.map(({ number }) => number)
  expect([listed('websocket'), listed('sse')]).toEqual([[session.number], [other.number]])
  expect(fixture.sessions.connections).toEqual({ websocket: 1, sse: 1 })
  fixture.sessions.remove(other)
  expect(fixture.sessions.connections).toEqual({ websocket: 1, sse: 0 })
})

test('lists those of one user', async () => {
  await fixture.openLive()
  await fixture.openLive({ subject: 'bob' })
  await fixture.openLive()
  const { sessions } = fixture.sessions.list({ subject: 'ann' })
  expect(sessions.map(({ number }) => number)).toEqual([1, 3])
})

test('ends a session by its number, once, and its client is not to come back', async () => {
  const { transport } = await fixture.openLive()
  expect([fixture.sessions.end(1), fixture.sessions.end(1), fixture.sessions.end(2)]).toEqual([
    true,
    false,
    false,
  ])
  expect(transport.closed).toBe('dismissed')
})
