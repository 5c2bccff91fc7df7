import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Feed } from '../../src/feed/feed.ts'
import type { Session } from '../../src/session/session.ts'
import type { Sessions } from '../../src/session/sessions.ts'
import { createTestFeed, createTestSessions, defaultLimits } from '../support/defaults.ts'
import { noHistory } from '../support/memory-log.ts'
import { FakeTransport } from './fake-transport.ts'
import { kindsOf, type Pair, request, startMs } from './session-fixture.ts'

const partition = { topic: 'market', partition: 0 }
let live: Feed
let delayed: Feed
let sessions: Sessions

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  live = createTestFeed()
  delayed = createTestFeed({ name: 'delayed', delayMs: 900_000 })
  sessions = createTestSessions(defaultLimits, {
    feeds: [
      { feed: live, history: noHistory },
      { feed: delayed, history: noHistory },
    ],
    feed: live,
  })
})

afterEach(async () => {
  const drained = sessions.drain(0)
  await vi.advanceTimersByTimeAsync(1000)
  await drained
  vi.useRealTimers()
})

async function open(feed: string | undefined): Promise<Pair> {
  const forms = (sessions.feeds.find(feed) ?? sessions.feeds.first).forms
  const transport = new FakeTransport(forms[0])
  const session: Session = sessions.open(transport, {
    address: '192.0.2.1',
    ageMs: 0,
    ...(feed === undefined ? {} : { feed }),
  })
  request(session, { action: 'auth', token: 'x' })
  await vi.advanceTimersByTimeAsync(0)
  transport.take()
  return { session, transport }
}

test('a session hears of its feed alone: partitions, losses, heartbeats', async () => {
  const [first, second] = [await open(undefined), await open('delayed')]
  delayed.advance({ partition, epoch: 'e', offset: 5 }, 9)
  expect([first.transport.take(), kindsOf(second.transport.take())]).toEqual([[], ['partitions']])
  delayed.lose(partition, 7)
  expect([first.transport.take(), kindsOf(second.transport.take())]).toEqual([[], ['lost']])
  live.advance({ partition, epoch: 'e', offset: 1 }, 1)
  first.transport.take()
  sessions.beat()
  await vi.advanceTimersByTimeAsync(0)
  expect(first.transport.take()).toMatchObject([{ T: 'heartbeat', lag: 0, positions: [[0, 1]] }])
  expect(second.transport.take()).toMatchObject([{ T: 'heartbeat', lag: 4, positions: [[0, 5]] }])
})

test('sessions are counted by feed, and their limits are common', async () => {
  await open(undefined)
  await open('delayed')
  await open('delayed')
  const counted = [...sessions.feeds].map(({ name, states }) => [name, states])
  expect(counted).toMatchObject([
    ['live', { websocket: { live: 1 } }],
    ['delayed', { websocket: { live: 2 } }],
  ])
  expect(sessions.size).toBe(3)
  expect(sessions.list({ feed: 'delayed' }).sessions.map(({ number }) => number)).toEqual([2, 3])
})

test('no session opens at a feed that there is not', () => {
  const origin = { address: '192.0.2.1', ageMs: 0, feed: 'other' }
  expect(() => sessions.open(new FakeTransport(), origin)).toThrow(
    'there is no feed "other" here; expected live or delayed',
  )
  expect(sessions.size).toBe(0)
})
