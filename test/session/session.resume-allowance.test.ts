import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import type { History } from '../../src/history/history.ts'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const partition = { topic: 'market', partition: 0 }
const end = 4096
const trade = (i: number): MarketEvent => ({ T: 't', S: 'A', i, p: 1, s: 1, t: '2026-01-02T14:30:00Z' })

/** A log with a trade at each offset, of which the node has none in memory. */
const history: History = {
  readableRange: () => Promise.resolve({ first: 0, recent: 0, stable: end }),
  end: () => Promise.resolve(end),
  async *read({ offset }, to) {
    await Promise.resolve()
    const events = Array.from({ length: to - offset }, (_, index) => ({
      event: trade(offset + index),
      offset: offset + index,
      json: undefined,
    }))
    yield { from: offset, to, events }
  },
}

let fixture: SessionFixture

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  // A piece of 1,024 offsets takes about 70 kB: the first leaves the next to wait for more than a minute.
  fixture = new SessionFixture({ resumeBytesPerUser: 60_000, maxSessions: 10 }, { history })
  fixture.feed.advance({ partition, epoch: 'e', offset: end }, end)
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

async function resume(subject: string): Promise<Pair> {
  const pair = await fixture.openLive({ subject })
  const cursor = { version: 1, partitions: [{ ...partition, epoch: 'e', positions: '0' }] }
  request(pair.session, { action: 'subscribe', trades: ['*'], cursor })
  return pair
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 200; turns++) await turn()
}

const tradesOf = ({ transport }: Pair): number => transport.messages.filter(({ T }) => T === 't').length

test('a user who has had the allowance of log bytes waits, and then gets the rest', async () => {
  const ann = await resume('ann')
  await settle()
  expect(tradesOf(ann)).toBe(512)
  expect(fixture.sessions.resumeLimitCounts.waiting).toBe(1)
  const bob = await resume('bob')
  await settle()
  expect(tradesOf(bob)).toBe(512)
  for (let minutes = 0; minutes < 20; minutes++) {
    await vi.advanceTimersByTimeAsync(60_000)
    await settle()
  }
  expect(tradesOf(ann)).toBe(end)
  expect(ann.session.isCaughtUp).toBe(true)
  expect(ann.session.state).toBe('live')
  expect(fixture.sessions.resumeLimitCounts).toMatchObject({ waiting: 0, delayed: { user: 0, node: 0 } })
})

test('who leaves while it waits leaves nothing behind', async () => {
  const { session } = await resume('ann')
  await settle()
  expect(fixture.sessions.resumeLimitCounts.waiting).toBe(1)
  fixture.sessions.remove(session)
  await settle()
  expect(fixture.sessions.resumeLimitCounts.waiting).toBe(0)
})
