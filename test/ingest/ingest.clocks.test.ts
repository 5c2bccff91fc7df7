import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defaultDecoder } from '../../src/event/decoder.ts'
import type { Feed, FeedOptions } from '../../src/feed/feed.ts'
import { Ingest } from '../../src/ingest/ingest.ts'
import { ArrivalTimes } from '../../src/history/arrival-times.ts'
import { LogHistory } from '../../src/history/log-history.ts'
import { RecordDecoder } from '../../src/ingest/record-decoder.ts'
import type { EventLog, LogBatch, LogRecord } from '../../src/log/event-log.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import { SessionFixture } from '../session/session-fixture.ts'
import { createTestFeed, defaults } from '../support/defaults.ts'
import { TestClock } from '../support/test-clock.ts'
import { Selection } from '../../src/feed/selection.ts'

const jsonForm = new JsonForm()

const topic = 'market'
const partition = { topic, partition: 0 }
const hoursMs = 2 * 3_600_000
const logger = { warn: () => undefined }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A node on a clock that can be set, and a log that it reads record by record. */
class Node {
  readonly clock = new TestClock()
  readonly feed: Feed
  readonly fixture: SessionFixture
  readonly latencies: number[] = []
  #offset = 0

  constructor(options: Partial<FeedOptions> = {}) {
    this.feed = createTestFeed(options)
    this.fixture = new SessionFixture({}, { clock: this.clock, feed: this.feed })
  }

  /** Reads a trade, or an article, whose record was written just now by this very clock. */
  async read(timestampMs = this.clock.wall(), event: object = trade): Promise<void> {
    const value = Buffer.from(JSON.stringify(event))
    const record: LogRecord = { offset: this.#offset, timestampMs, key: null, value, headers: [] }
    const from = this.#offset++
    const batch: LogBatch = { partition, epoch: 'e', from, to: from + 1, stable: from + 1, records: [record] }
    const topics = { trades: topic, quotes: topic, bars: topic, statuses: topic, news: topic }
    const parts = { feed: this.feed, clock: this.clock, topics, logger, decoder: defaultDecoder }
    const ingest = new Ingest({ ...defaults.ingest, ...parts, log: logOf(batch) })
    ingest.onDelivered.add(latencyMs => this.latencies.push(latencyMs))
    await ingest.run(new AbortController().signal)
    this.feed.flush()
  }

  /** The ages of the next heartbeat. */
  async ages(): Promise<unknown> {
    const { transport } = await this.fixture.openLive()
    this.fixture.sessions.beat()
    const [heartbeat] = transport.take()
    return heartbeat?.['agesMs']
  }
}

/** More than are kept. */
const largeArticles = Array.from({ length: 1200 }, (_, id) => {
  const content = 'x'.repeat(60_000)
  return { T: 'n', id, headline: 'h', content, created_at: '2026-01-02T14:30:00Z', symbols: [`S${id}`] }
})
const trade = { T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-01-02T14:30:00Z' }

function logOf(batch: LogBatch): EventLog {
  const notUsed = () => Promise.reject(new Error('not used'))
  return {
    partitions: () => Promise.resolve([{ partition, epoch: 'e', offset: 0 }]),
    ends: () => Promise.resolve({ first: batch.from, stable: batch.to }),
    async *tail() {
      yield [batch]
    },
    range: () => {
      throw new Error('not used')
    },
    offsetAt: notUsed,
    append: notUsed,
    close: () => Promise.resolve(),
  }
}

// Cause: the newest timestamp of each channel was kept as the wall clock had it, and ages were taken from the
// wall clock.
// Symptom: once the clock had been ahead, a feed that was mute since counted as fresh for as long as it had
// been ahead.
// Seen: clock 2 h ahead, one event, clock right again: `agesMs` was 0 for two hours.
test('ages in heartbeats grow while nothing comes, though the clock was set right meanwhile', async () => {
  const node = new Node()
  node.clock.set(hoursMs)
  await node.read()
  node.clock.set(-hoursMs)
  node.clock.pass(10_000)
  expect(await node.ages()).toEqual({ trades: 10_000 })
})

test.each([
  ['is set back', -hoursMs],
  ['is set ahead', hoursMs],
])('ages are how long ago the event was when the clock %s after it', async (_, byMs) => {
  const node = new Node()
  await node.read(node.clock.wall() - 1000)
  node.clock.set(byMs)
  node.clock.pass(10_000)
  expect(await node.ages()).toEqual({ trades: 11_000 })
})

test('a producer whose clock is ahead does not make a mute feed fresh', async () => {
  const node = new Node()
  await node.read(node.clock.wall() + hoursMs)
  node.clock.pass(10_000)
  expect(await node.ages()).toEqual({ trades: 10_000 })
})

// Cause: a timestamp far in the past counted as the time that its event took through this node.
// Symptom: `ticker_delivery_latency_seconds_sum` rose by 1.79e9 s, for good: averages over it said nothing
// any more.
// Seen: one record without a timestamp; the same with one in seconds.
test.each([-1, 0, 1, 1_800_000_000])(
  'a record of the time %d is no delivery that took so long',
  async time => {
    const node = new Node()
    node.feed.fanOut.join({ deliver: () => undefined }, new Selection(new Map([['trades', '*']])), jsonForm)
    await node.read(time)
    await node.read(node.clock.wall() - 30)
    expect(node.latencies).toEqual([30])
  },
)

test('recent events leave after their time, though the clock was ahead when they came', async () => {
  const node = new Node()
  node.clock.set(hoursMs)
  await node.read()
  node.clock.set(-hoursMs)
  node.clock.pass(defaults.ingest.windowMs)
  node.fixture.sessions.beat()
  expect(node.feed.window.counts.events).toBe(0)
})

test('articles that were read while the clock was ahead are older than those read since', async () => {
  const node = new Node()
  const article = { T: 'n', headline: 'h', created_at: '2026-01-02T14:30:00Z', symbols: ['AAPL'] }
  node.clock.set(hoursMs)
  for (let id = 0; id < 10; id++) await node.read(undefined, { ...article, id })
  node.clock.set(-hoursMs)
  node.clock.pass(1000)
  await node.read(undefined, { ...article, id: 10 })
  const ids = [...node.feed.lastValues.snapshot('news', '*')].map(
    bytes => /"id":(\d+)/.exec(bytes.toString())?.[1],
  )
  expect(ids.at(-1)).toBe('10')
})

// Cause: what is forgotten was taken to be as old as its record's timestamp, which a record need not have.
// Symptom: a snapshot said that it was complete since 1970, though the node had just let go of an item.
// Seen: reading, with records of the time 0.
test.each([
  ['item', 'trades', [trade, { ...trade, S: 'MSFT' }], { maxItems: 1 }],
  ['article', 'news', largeArticles, {}],
] as const)(
  'an %s without a timestamp that is forgotten leaves snapshots complete since it was read',
  async (_, channel, events, options) => {
    const node = new Node(options)
    const readMs: number[] = []
    for (const event of events) {
      node.clock.pass(1000)
      readMs.push(node.clock.steady())
      await node.read(0, event)
    }
    const kept = [...node.feed.lastValues.snapshot(channel, node.feed.lastValues.items.of(channel).keys())]
    expect(kept.length).toBeLessThan(events.length)
    expect(node.feed.completeSinceMs([channel])).toBe(readMs[events.length - kept.length - 1]! + 1)
  },
)

test('the first readable offset is asked for again after a while, though the clock was set back', async () => {
  const node = new Node()
  let asked = 0
  const log = {
    ...logOf({ partition, epoch: 'e', from: 0, to: 1, stable: 1, records: [] }),
    offsetAt: () => Promise.resolve(asked++),
  }
  const records = new RecordDecoder({ ...defaults.ingest, decoder: defaultDecoder, logger })
  const arrivals = new ArrivalTimes({ keptMs: 900_000, clock: node.clock })
  const history = new LogHistory({ log, records, arrivals, clock: node.clock })
  await history.readableRange(partition)
  node.clock.set(-hoursMs)
  node.clock.pass(5000)
  await history.readableRange(partition)
  expect(asked).toBe(2)
})
