import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const count = 240
const readers = 20
const partitions = Array.from({ length: count }, (_, partition) => ({ topic: 'market', partition }))
let fixture: SessionFixture
let offset: number

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture({ maxSessions: readers, maxSessionsPerUser: readers })
  offset = 0
  for (const partition of partitions) fixture.feed.advance({ partition, epoch: 'e', offset }, offset)
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

/** One event in each partition. */
function publish(): void {
  const { feed } = fixture
  for (const partition of partitions) {
    const event = {
      T: 't',
      S: `S${partition.partition}`,
      i: offset,
      p: 1,
      s: 1,
      t: '2026-01-02T14:30:00Z',
    } as const
    feed.add(event, { partition: feed.numberOf(partition), offset, writtenMs: 0 })
    feed.advance({ partition, epoch: 'e', offset: offset + 1 }, offset + 1)
  }
  offset++
  feed.flush()
}

/** Subscribers of everything that are behind. */
async function openBehind(): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let reader = 0; reader < readers; reader++) {
    const pair = await fixture.openLive()
    request(pair.session, { action: 'subscribe', trades: ['*'], quotes: ['*'] })
    pair.transport.unsentBytes = 200_000
    pair.transport.hasRoom = false
    pairs.push(pair)
  }
  publish()
  expect(pairs.every(({ session }) => !session.isCaughtUp)).toBe(true)
  return pairs
}

// Cause: each reader that is behind made a list of all positions for each partition of its own, to see
// whether its number still stood.
// Symptom: with 240 partitions 18 ms a reader, for all in one turn of the loop, whenever a partition came or
// went.
// Seen: reading; then counting the lists.
test('a new partition does not make readers that are behind search their partitions', async () => {
  await openBehind()
  const positions = vi.spyOn(fixture.feed, 'positions', 'get')
  fixture.feed.advance({ partition: { topic: 'market', partition: count }, epoch: 'e', offset: 0 }, 0)
  expect(positions.mock.calls.length).toBeLessThanOrEqual(readers * 4)
})

test('the list of positions is made once for all that ask for it between two reads', async () => {
  const pairs = await openBehind()
  const { feed } = fixture
  const { results } = vi.spyOn(feed, 'positions', 'get').mock
  for (const { transport } of pairs) {
    transport.unsentBytes = 0
    transport.drained()
  }
  while (!pairs.every(({ session }) => session.isCaughtUp)) await turn()
  expect(results.length).toBeLessThanOrEqual(readers * 40)
  expect(new Set(results.map(({ value }) => value)).size).toBe(1)
  publish()
  expect(feed.positions).toMatchObject(partitions.map(partition => ({ partition, offset: 2 })))
  for (const { transport } of pairs)
    expect(transport.take().filter(({ T }) => T === 't')).toHaveLength(2 * count)
})
