import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

let fixture: SessionFixture
let isShort: boolean

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  isShort = false
  fixture = new SessionFixture({ maxSessions: 100 }, { isShort: () => isShort })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

async function openLaden(...unsent: readonly number[]): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (const bytes of unsent) {
    const pair = await fixture.openLive()
    pair.transport.unsentBytes = bytes
    pairs.push(pair)
  }
  return pairs
}

const endedOf = (pairs: readonly Pair[]): boolean[] => pairs.map(({ session }) => session.state === 'ended')

test('the sessions with the most unsent bytes end first, until enough bytes are freed', async () => {
  const pairs = await openLaden(100_000, 500_000, 300_000, 400_000)
  expect(fixture.sessions.relieve({ bytes: 600_000, sessions: 10 })).toEqual({ sessions: 2, bytes: 900_000 })
  expect(endedOf(pairs)).toEqual([false, true, false, true])
  expect(fixture.sessions.relieve({ bytes: 600_000, sessions: 1 })).toEqual({ sessions: 1, bytes: 300_000 })
  expect(endedOf(pairs)).toEqual([false, true, true, true])
  const [, largest] = pairs
  expect(largest?.transport.closed).toBe('tooSlow')
  expect(largest?.transport.take()).toMatchObject([
    {
      code: 407,
      detail: expect.stringContaining('nearly out of memory'),
    },
  ])
})

test('who has little unsent does not end, however much is wanted', async () => {
  const pairs = await openLaden(0, 65_535, 65_536)
  expect(fixture.sessions.relieve({ bytes: 1e9, sessions: 10 })).toEqual({ sessions: 1, bytes: 65_536 })
  expect(endedOf(pairs)).toEqual([false, false, true])
})

test('while memory is short, authentication ends with 406 and a reason; live sessions go on', async () => {
  const live = await fixture.openLive()
  isShort = true
  const { session, transport } = fixture.open()
  request(session, { action: 'auth', token: 'x', id: 9 })
  await vi.advanceTimersByTimeAsync(0)
  expect(transport.take().at(-1)).toMatchObject({
    code: 406,
    detail: 'this node is short of memory; reconnect to another one, or after a while',
    id: 9,
  })
  expect(transport.closed).toBe('connectionLimit')
  expect(fixture.sessions.admissionCounts.refused.memory).toBe(1)
  expect(live.session.state).toBe('live')
  fixture.renew(live.session, {})
  await vi.advanceTimersByTimeAsync(0)
  expect(live.session.state).toBe('live')
  isShort = false
  expect((await fixture.openLive()).session.state).toBe('live')
})

test('while memory is short, a resume ends with 406 and nothing is sent', async () => {
  const { session, transport } = await fixture.openLive()
  isShort = true
  request(session, { action: 'subscribe', trades: ['*'], id: 3, cursor: { version: 1, partitions: [] } })
  expect(transport.take()).toMatchObject([
    {
      code: 406,
      detail: 'this node is short of memory; resume with the same cursor on another one, or after a while',
      id: 3,
    },
  ])
  expect(transport.closed).toBe('connectionLimit')
  expect(fixture.sessions.feeds.first.resumes).toMatchObject({ refused: 1, whole: 0, partial: 0 })
  expect(fixture.sessions.size).toBe(1)
})
