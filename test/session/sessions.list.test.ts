import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { request, Stage, startMs } from './stage.ts'

let stage: Stage

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  stage = new Stage({ maxSessions: 1000 })
})
afterEach(async () => {
  await stage.end()
  vi.useRealTimers()
})

test('lists what there is to know of each session', async () => {
  const { session, transport } = await stage.openLive({
    tokenId: 'a-token',
    expiresAtMs: startMs + 3_600_000,
  })
  await vi.advanceTimersByTimeAsync(2000)
  stage.open()
  request(session, { action: 'subscribe', trades: ['AAPL'], quotes: ['AAPL'] })
  transport.unsentBytes = 17
  expect(stage.sessions.list()).toEqual({
    sessions: [
      {
        number: 1,
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
  const pairs = Array.from({ length: 5 }, () => stage.open())
  const first = stage.sessions.list({ limit: 2 })
  stage.sessions.gone(pairs[1]!.session)
  stage.sessions.gone(pairs[2]!.session)
  const second = stage.sessions.list({ limit: 2, after: first.next! })
  const numbers = [first, second].map(({ sessions }) => sessions.map(({ number }) => number))
  expect(numbers).toEqual([
    [1, 2],
    [4, 5],
  ])
  expect([first.next, second.next]).toEqual([2, undefined])
})

test('lists those of one user', async () => {
  await stage.openLive()
  await stage.openLive({ subject: 'bob' })
  await stage.openLive()
  const { sessions } = stage.sessions.list({ subject: 'ann' })
  expect(sessions.map(({ number }) => number)).toEqual([1, 3])
})

test('ends a session by its number, once, and its client is not to come back', async () => {
  const { transport } = await stage.openLive()
  expect([stage.sessions.end(1), stage.sessions.end(1), stage.sessions.end(2)]).toEqual([true, false, false])
  expect(transport.closed).toEqual({ code: 4503, reason: 'ended by the operator' })
})
