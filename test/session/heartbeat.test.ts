import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const partitions = [0, 1].map(partition => ({ topic: 'market', partition }))
let fixture: SessionFixture

function advance(partition: number, offset: number): void {
  fixture.feed.advance({ partition: partitions[partition]!, epoch: 'e', offset }, offset)
}

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({
    maxSessions: 2000,
    maxSessionsPerUser: 2000,
    sessionsPerUserPerSecond: 1000,
  })
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

test('many sessions get one heartbeat an interval each, spread over turns of the event loop', async () => {
  const pairs: Pair[] = []
  for (let count = 0; count < 600; count++) pairs.push(await fixture.openLive())
  const counts = (): number[] => pairs.map(({ transport }) => transport.messages.length)
  const told = (): number => counts().filter(count => count > 0).length
  fixture.sessions.beat()
  const inTurns = [told()]
  while (told() < 600) {
    await vi.advanceTimersToNextTimerAsync()
    inTurns.push(told())
  }
  expect(inTurns).toEqual([250, 500, 600])
  for (const { transport } of pairs) transport.take()
  await vi.advanceTimersByTimeAsync(5100)
  expect(new Set(counts())).toEqual(new Set([1]))
})

// Cause: a heartbeat told what had moved since the one before, whether that one had come or not.
// Symptom: a client without room for one kept the old position of a quiet partition, and heard `lost` later
// though nothing was.
// Seen: a review resumed with such a cursor.
test('tells a session that had no room for the last heartbeats what these said', async () => {
  const { sessions } = fixture
  advance(0, 0)
  advance(1, 0)
  const [quick, slow] = [await fixture.openLive(), await fixture.openLive()]
  for (const { session, transport } of [quick, slow]) {
    request(session, { action: 'subscribe', news: ['X'] })
    transport.take()
  }
  const beat = (): unknown[] => {
    sessions.beat()
    return [quick, slow].map(({ transport }) => transport.take().map(({ positions }) => positions))
  }
  // The first one after a start tells all.
  beat()
  slow.transport.hasRoom = false
  advance(0, 5)
  expect(beat()).toEqual([[[[0, 5]]], []])
  advance(1, 7)
  expect(beat()).toEqual([[[[1, 7]]], []])
  slow.transport.hasRoom = true
  expect(beat()).toEqual([
    [[]],
    [
      [
        [0, 5],
        [1, 7],
      ],
    ],
  ])
  expect(beat()).toEqual([[[]], [[]]])
})

test('an acknowledgement says what no heartbeat has said yet, and no heartbeat says it again', async () => {
  const { sessions } = fixture
  advance(0, 0)
  advance(1, 0)
  const { session, transport } = await fixture.openLive()
  request(session, { action: 'subscribe', news: ['X'] })
  expect(transport.take()).toMatchObject([
    { T: 'subscription', partitions: [{ partition: 0, number: 0, positions: '0,0' }] },
  ])
  sessions.beat()
  transport.take()
  advance(1, 7)
  request(session, { action: 'subscribe', news: ['Y'] })
  const [acknowledged] = transport.take()
  expect(acknowledged).toMatchObject({ T: 'subscription', positions: [[1, 7]] })
  expect(acknowledged).not.toHaveProperty('partitions')
  sessions.beat()
  sessions.beat()
  expect(transport.take().at(-1)).toMatchObject({ T: 'heartbeat', positions: [] })
})

test('many sessions that leave get a time each, and are closed then', async () => {
  const pairs: Pair[] = []
  for (let count = 0; count < 600; count++) pairs.push(await fixture.openLive())
  const drained = fixture.sessions.drain(1000)
  await vi.advanceTimersByTimeAsync(100)
  const told = pairs.map(({ transport }) => transport.take())
  expect(told).toEqual(pairs.map(() => [{ T: 'shutdown', reconnectInMs: 500 }]))
  await vi.advanceTimersByTimeAsync(600)
  expect(new Set(pairs.map(({ transport }) => transport.closed))).toEqual(new Set(['draining']))
  for (const { session } of pairs) fixture.sessions.remove(session)
  await drained
})
