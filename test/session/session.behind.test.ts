import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

const partition = { topic: 'market', partition: 0 }
let fixture: SessionFixture
let offset: number
let formName = 'ticker.v1.json'

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
  fixture = new SessionFixture()
  fixture.form = formName
  offset = 0
  fixture.feed.advance({ partition, epoch: 'e', offset }, offset)
})
afterEach(async () => {
  await fixture.end()
  vi.useRealTimers()
})

const t = '2026-01-02T14:30:00Z'
const trade = (S: string, i: number): MarketEvent => ({ T: 't', S, i, p: 1, s: 1, t })
const quote = (S: string, bp: number): MarketEvent => ({ T: 'q', S, bp, bs: 1, ap: bp + 1, as: 1, t })

/** What one read of the log brings. */
function publish(...events: readonly MarketEvent[]): void {
  const { feed } = fixture
  for (const event of events)
    feed.add(event, { partition: feed.numberOf(partition), offset: offset++, writtenMs: 0 })
  feed.advance({ partition, epoch: 'e', offset }, offset)
  feed.flush()
}

async function subscribed(message: object): Promise<Pair> {
  const pair = await fixture.openLive()
  request(pair.session, { action: 'subscribe', ...message })
  pair.transport.take()
  return pair
}

function congest({ transport }: Pair): void {
  transport.unsentBytes = 200_000
  transport.hasRoom = false
}

/** Lets the connection take everything, and the reader come to where the feed is. */
async function drain({ session, transport }: Pair): Promise<void> {
  transport.unsentBytes = 0
  transport.drained()
  for (let turns = 0; turns < 100 && !session.isCaughtUp; turns++) await turn()
  expect(session.isCaughtUp).toBe(true)
}

const idsOf = (messages: readonly Record<string, unknown>[]): unknown[] =>
  messages.filter(({ T }) => T === 't').map(({ i }) => i)

describe.each(['ticker.v1.json', 'ticker.v1.tape'])('%s:', form => {
  beforeAll(() => {
    formName = form
  })

  describe('a client whose connection takes nothing', () => {
    test('is behind from the first frame that it misses, and holds only its position', async () => {
      const slow = await subscribed({ trades: ['*'] })
      publish(trade('A', 1))
      congest(slow)
      for (let i = 2; i < 100; i++) publish(trade('A', i))
      expect(idsOf(slow.transport.take())).toEqual([1])
      expect(slow.session.isCaughtUp).toBe(false)
      expect(fixture.feed.fanOut.audienceCount).toBe(0)
      expect(fixture.sessions.feeds.first.readers.behind.unsent).toBe(1)
    })

    test('gets every trade once, in order, when it reads again, and is live', async () => {
      const slow = await subscribed({ trades: ['*'] })
      const other = await subscribed({ trades: ['*'] })
      publish(trade('A', 1))
      congest(slow)
      for (let i = 2; i < 50; i++) publish(trade('A', i), trade('B', 1000 + i))
      await drain(slow)
      publish(trade('A', 50))
      expect(idsOf(slow.transport.take())).toEqual(idsOf(other.transport.take()))
      expect(fixture.sessions.feeds.first.readers.behind.unsent).toBe(0)
      // One range follows the other from the first offset to the last.
      let covered = 0
      for (const { ranges } of slow.transport.coverage) {
        const [[number, from, to]] = ranges as [[number, number, number]]
        expect([number, from]).toEqual([0, covered])
        covered = to
      }
      expect(covered).toBe(offset)
    })

    test('gets of each conflated item the newest, with how many it replaces', async () => {
      const slow = await subscribed({ quotes: ['A', 'B', 'C'] })
      publish(quote('A', 1), quote('C', 1))
      slow.transport.take()
      congest(slow)
      for (let bid = 2; bid <= 10; bid++) publish(quote('A', bid), quote('B', bid), quote('D', bid))
      publish(quote('B', 11))
      await drain(slow)
      expect(slow.transport.take()).toEqual([
        { ...quote('A', 10), replaces: 8 },
        { ...quote('B', 11), replaces: 9 },
      ])
      expect(fixture.sessions.feeds.first.readers.replaced.quotes).toBe(17)
    })

    test('knows of items that had no events meanwhile what it knew before', async () => {
      const slow = await subscribed({ trades: ['A', 'B'], quotes: ['A', 'B'] })
      const other = await subscribed({ trades: ['A', 'B'], quotes: ['A', 'B'] })
      publish(trade('A', 1), quote('A', 1), trade('B', 1), quote('B', 1))
      congest(slow)
      publish(trade('B', 2), quote('B', 2))
      await drain(slow)
      publish(trade('A', 3), quote('A', 3), trade('B', 3), quote('B', 3))
      const byItem = (messages: readonly Record<string, unknown>[]): object =>
        Object.groupBy(messages, ({ T, S }) => `${String(T)} ${String(S)}`)
      expect(byItem(slow.transport.take())).toEqual(byItem(other.transport.take()))
    })

    test('knows every item, also those that it got before others had events', async () => {
      const other = await subscribed({ trades: ['*'] })
      const symbols = Array.from({ length: 2500 }, (_, index) => `S${index}`)
      publish(...symbols.map(symbol => trade(symbol, 1)))
      other.transport.take()
      const late = await subscribed({ trades: ['*'] })
      publish(trade('S2400', 2), trade('S1200', 2))
      await drain(late)
      publish(...symbols.map(symbol => trade(symbol, 3)))
      expect(late.transport.take()).toEqual(other.transport.take())
    })

    test('subscribes and unsubscribes while behind, and gets all of the new item from there', async () => {
      const slow = await subscribed({ trades: ['A'] })
      congest(slow)
      publish(trade('A', 1), trade('B', 2))
      publish(trade('B', 3))
      request(slow.session, { action: 'subscribe', trades: ['B'], id: 'later' })
      request(slow.session, { action: 'unsubscribe', trades: ['A'] })
      const [acknowledged] = slow.transport.take()
      expect(acknowledged).toMatchObject({
        id: 'later',
        trades: ['A', 'B'],
        partitions: [{ positions: '0' }],
      })
      await drain(slow)
      expect(idsOf(slow.transport.take())).toEqual([2, 3])
    })

    test('gets a snapshot of lossless channels when it is live, so that nothing older follows', async () => {
      const slow = await subscribed({ trades: ['A'] })
      congest(slow)
      publish(trade('A', 1))
      request(slow.session, { action: 'subscribe', trades: ['A'], snapshot: true })
      slow.transport.take()
      publish(trade('A', 2))
      await drain(slow)
      await vi.advanceTimersByTimeAsync(10)
      const kinds = slow.transport.take().map(({ T, i, events }) => (T === 't' ? i : events))
      expect(kinds).toEqual([1, 2, [trade('A', 2)]])
    })

    test('is warned as soon as it reads, and ended when it reads nothing for too long', async () => {
      const slow = await subscribed({ trades: ['*'] })
      congest(slow)
      publish(trade('A', 1))
      await vi.advanceTimersByTimeAsync(30_000)
      expect(slow.transport.take()).toEqual([])
      slow.transport.signsOfLife++
      await vi.advanceTimersByTimeAsync(40_000)
      expect(slow.transport.closed).toBeUndefined()
      await vi.advanceTimersByTimeAsync(21_000)
      expect(slow.transport.take()).toMatchObject([{ code: 407, msg: 'slow client' }])
      expect(slow.transport.closed).toBe('tooSlow')
      expect(fixture.sessions.feeds.first.readers.behind.unsent).toBe(0)
    })
  })

  describe('a client that wants quotes at intervals', () => {
    /** The number of events of each item, with the replaced ones, and the last event. */
    function tally(
      messages: readonly Record<string, unknown>[],
    ): Record<string, [count: number, last: unknown]> {
      const told: Record<string, [number, unknown]> = {}
      for (const { T, S, bp, replaces } of messages) {
        if (T !== 'q') continue
        told[String(S)] = [(told[String(S)]?.[0] ?? 0) + 1 + Number(replaces ?? 0), bp]
      }
      return told
    }

    test('gets the newest event of each item once an interval, counted, and trades at once', async () => {
      const pair = await subscribed({ trades: ['A'], quotes: ['A', 'B'], conflateMs: 250 })
      publish(quote('A', 1), trade('A', 1), quote('A', 2), quote('B', 3))
      expect(pair.transport.take()).toMatchObject([{ T: 't' }])
      await vi.advanceTimersByTimeAsync(250)
      expect(pair.transport.take()).toEqual([{ ...quote('A', 2), replaces: 1 }, quote('B', 3)])
      await vi.advanceTimersByTimeAsync(500)
      expect(pair.transport.take()).toEqual([])
    })

    test('gets or counts each event once, even when it falls behind within an interval', async () => {
      const pair = await subscribed({ trades: ['*'], quotes: ['A', 'B'], conflateMs: 250 })
      const told: Record<string, unknown>[] = []
      let bid = 0
      for (let round = 0; round < 60; round++) {
        if (round % 10 === 3) congest(pair)
        publish(quote('A', ++bid), trade('A', bid), quote('A', ++bid), quote('B', bid))
        await vi.advanceTimersByTimeAsync(70)
        if (round % 10 === 8) await drain(pair)
        told.push(...pair.transport.take())
      }
      await vi.advanceTimersByTimeAsync(250)
      told.push(...pair.transport.take())
      expect(tally(told)).toEqual({ A: [120, bid], B: [60, bid] })
      expect(told.filter(({ T }) => T === 't')).toHaveLength(60)
      expect(told.some(({ T }) => T === 'replaced')).toBe(false)
    })

    test('gets the current value at once when it wants them at once', async () => {
      const pair = await subscribed({ quotes: ['A'], conflateMs: 60_000 })
      publish(quote('A', 1), quote('A', 2))
      request(pair.session, { action: 'subscribe', quotes: ['A'], conflateMs: 0 })
      await vi.advanceTimersByTimeAsync(10)
      publish(quote('A', 3))
      expect(pair.transport.take()).toMatchObject([
        { T: 'subscription' },
        { T: 'snapshot', events: [{ bp: 2 }] },
        { bp: 3 },
      ])
    })

    test('is refused an interval for channels of which it gets every event', async () => {
      const { session, transport } = await fixture.openLive()
      request(session, { action: 'subscribe', trades: ['A'], conflateMs: 250 })
      expect(transport.take()).toMatchObject([{ code: 400, detail: expect.stringMatching(/^conflateMs: /) }])
      expect(session.size).toBe(0)
    })
  })

  test('a leaving node sends positions to live clients; those behind know theirs already', async () => {
    const live = await subscribed({ trades: ['*'] })
    const slow = await subscribed({ trades: ['*'] })
    publish(trade('A', 1))
    congest(slow)
    publish(trade('A', 2))
    live.transport.take()
    slow.transport.take()
    const drained = fixture.sessions.drain(1000)
    expect(live.transport.take()).toMatchObject([{ T: 'shutdown', positions: [[0, 2]] }])
    expect(slow.transport.take()).toEqual([{ T: 'shutdown', reconnectInMs: expect.any(Number) }])
    await vi.advanceTimersByTimeAsync(2000)
    await drained
  })

  describe('a client that acknowledges', () => {
    async function acknowledging(): Promise<Pair> {
      const pair = await subscribed({ trades: ['*'] })
      publish(trade('A', 1))
      request(pair.session, { action: 'ack', n: pair.transport.dataFrames })
      expect(idsOf(pair.transport.take())).toEqual([1])
      return pair
    }

    test('stays live as long as it does', async () => {
      const pair = await acknowledging()
      for (let i = 2; i < 200; i++) {
        publish(trade('A', i))
        await vi.advanceTimersByTimeAsync(100)
        request(pair.session, { action: 'ack', n: pair.transport.dataFrames })
      }
      expect(pair.session.isCaughtUp).toBe(true)
      expect(idsOf(pair.transport.take())).toHaveLength(198)
    })

    test('is behind and warned once a frame is unacknowledged for too long', async () => {
      const pair = await acknowledging()
      publish(trade('A', 2))
      await vi.advanceTimersByTimeAsync(5001)
      publish(trade('A', 3))
      expect(fixture.sessions.feeds.first.readers.behind.unacknowledged).toBe(1)
      await vi.advanceTimersByTimeAsync(5000)
      const warnings = pair.transport.take().filter(({ T }) => T === 'slow')
      expect(warnings).toMatchObject([{ offsets: 1, unsentBytes: 0 }])
      expect(warnings[0]!['unackedBytes']).toBeGreaterThan(0)
      request(pair.session, { action: 'ack', n: pair.transport.dataFrames })
      await drain(pair)
      expect(idsOf(pair.transport.take())).toEqual([3])
    })

    test('is behind once too many bytes are', async () => {
      const pair = await acknowledging()
      for (let i = 2; pair.session.isCaughtUp && i < 2000; i++)
        publish(...Array.from({ length: 200 }, (_, index) => trade(`S${(i * index) % 31}`, i * 7919)))
      expect(fixture.sessions.feeds.first.readers.behind.unacknowledged).toBe(1)
      const { bytes } = pair.transport.written
      expect(bytes).toBeGreaterThan(1_048_576)
      expect(bytes).toBeLessThan(1_048_576 + 65_536)
    })

    test('is ended when it acknowledges nothing for too long, whatever its connection takes', async () => {
      const pair = await acknowledging()
      publish(trade('A', 2))
      await vi.advanceTimersByTimeAsync(5001)
      publish(trade('A', 3))
      pair.transport.signsOfLife += 1000
      await vi.advanceTimersByTimeAsync(61_000)
      expect(pair.transport.closed).toBe('tooSlow')
    })

    test('is refused frames that were not sent, and going back', async () => {
      const pair = await acknowledging()
      publish(trade('A', 2))
      pair.transport.take()
      const sent = pair.transport.dataFrames
      request(pair.session, { action: 'ack', n: sent + 1, id: 1 })
      request(pair.session, { action: 'ack', n: sent })
      request(pair.session, { action: 'ack', n: sent - 1, id: 2 })
      expect(pair.transport.take()).toMatchObject([
        { code: 400, id: 1, detail: `n=${sent + 1}: ${sent} frames with data were sent so far` },
        { code: 400, id: 2, detail: `n=${sent - 1}: ${sent} were acknowledged already` },
      ])
    })

    test('may say what is new as often as it gets frames', async () => {
      const pair = await acknowledging()
      for (let i = 2; i < 2000; i++) {
        publish(trade('A', i))
        request(pair.session, { action: 'ack', n: pair.transport.dataFrames })
      }
      expect(pair.transport.closed).toBeUndefined()
    })
  })
})
