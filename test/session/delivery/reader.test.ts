import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Step, Published } from './simulation/steps.ts'
import { fakedTimers, ReaderSimulation } from './simulation/reader-simulation.ts'

// What `reader.property.test.ts` found, each in as few steps as it takes.

beforeEach(() => {
  vi.useFakeTimers(fakedTimers)
})
afterEach(() => {
  vi.useRealTimers()
})

/** The faults that a checking client finds after these steps; a window of one byte holds nothing. */
async function faultsAfter(
  steps: readonly Step[],
  {
    windowBytes = 16_777_216,
    conflateMs = 0,
  }: { readonly windowBytes?: 1 | 16_777_216; readonly conflateMs?: 0 | 100 } = {},
): Promise<readonly unknown[]> {
  const simulation = new ReaderSimulation({
    windowBytes,
    maxItems: 200_000,
    clients: [
      { transport: 'websocket', policy: {}, conflateMs, isAcknowledging: false, form: 'ticker.v1.json' },
    ],
  })
  for (const step of steps) await simulation.perform(step)
  await simulation.settle()
  await simulation.end()
  return simulation.faults
}

const trade: Published = { kind: 'trade', symbol: 'A', size: 0 }
const quote: Published = { kind: 'quote', symbol: 'A', size: 0 }
const published = (records: readonly Published[], more: { readonly isFlushed?: boolean } = {}): Step => ({
  action: 'publish',
  records: [...records],
  readers: [0],
  isFlushed: true,
  ...more,
})
const subscribed = (channel: 'trades' | 'quotes', symbol: 'B' | 'C' | '*' = '*'): Step => ({
  action: 'subscribe',
  client: 0,
  items: [{ channel, symbol }],
  where: {},
  snapshot: false,
})
const stalled: Step = { action: 'stall', client: 0, ballast: 200_000 }
/** What was asked is answered. */
const answered: Step = { action: 'turns', count: 20 }
const trickled: Step = { action: 'trickle', client: 0, frames: 1 }
const drained: Step = { action: 'drain', client: 0 }
const reconnected = (node: number, forgets: 'nothing' | 'news' | 'everything' = 'nothing'): Step => ({
  action: 'reconnect',
  client: 0,
  node,
  forgets,
  feed: 'live',
})

// Cause: the read that found the window begin later moved the cursor on before the range was taken from it.
// Symptom: `{"T":"replaced","ranges":[]}`, or ranges that begin too late: events neither counted nor told.
// Seen: by the property, with a window that holds nothing.
test('tells all that was not counted of a conflated channel as replaced', async () => {
  expect(
    await faultsAfter([subscribed('quotes'), stalled, published([quote, trade])], { windowBytes: 1 }),
  ).toEqual([])
})

// Cause: the snapshot that ends a resume was of the conflated channels of the first request only.
// Symptom: what was subscribed before `resumed` had no value until its next event.
// Seen: by the property: a client further than its second node, which subscribes to quotes while it waits.
test('ends a resume with the values of what was subscribed meanwhile', async () => {
  const steps = [subscribed('trades'), answered, published([trade]), answered, reconnected(1), answered]
  expect(await faultsAfter([...steps, subscribed('quotes'), published([quote])])).toEqual([])
})

// Cause: a reader without lossless channels was moved to where the feed is, also backwards.
// Symptom: events of before the acknowledged positions came again, older values after newer ones.
// Seen: by the property: a client of quotes on a node that lags behind its former one.
test('waits for a node that has not come as far as the client of conflated channels', async () => {
  const steps = [subscribed('quotes'), answered, published([quote]), answered, reconnected(1), answered]
  expect(await faultsAfter(steps)).toEqual([])
})

// Cause: joining an audience first writes what is pending; the reader that fell behind thereby joined all the
// same.
// Symptom: it was live and behind at once, so it got the events from there on twice.
// Seen: by the property: a subscription on a full connection while a flush was pending.
test('does not join an audience when it falls behind by what was pending', async () => {
  const steps = [
    subscribed('trades'),
    stalled,
    published([trade], { isFlushed: false }),
    subscribed('trades'),
  ]
  expect(await faultsAfter([...steps, published([trade])])).toEqual([])
})

// Cause: asking the feed for its positions writes what is pending, and the reader may fall behind by it.
// Symptom: `shutdown` told positions of events that were not sent, so the next session did not get them
// either.
// Seen: by reading, after the one before.
test('leaves a client at the position that it was sent', async () => {
  const steps = [subscribed('trades'), answered, stalled, published([trade], { isFlushed: false })]
  expect(await faultsAfter([...steps, { action: 'restart', node: 0, isHeard: true }])).toEqual([])
})

// Cause: readers of conflated channels had gone on beyond the acknowledged positions, with what was wanted
// until then.
// Symptom: what was subscribed while behind had no value until its next event.
// Seen: by the property: quotes subscribed by a client that was behind with trades.
test('passes over nothing of a conflated channel that is subscribed while behind', async () => {
  const steps = [subscribed('trades'), stalled, published([trade]), published([quote]), drained]
  expect(await faultsAfter([...steps, subscribed('quotes'), published([quote])], { windowBytes: 1 })).toEqual(
    [],
  )
})

// Cause: a reader behind only looked at the partitions that there are.
// Symptom: what it had not read when a log was cut back was skipped, and nothing said so.
// Seen: by the property.
test('tells a client that is behind what it does not get of a log that was cut back', async () => {
  const steps = [subscribed('trades'), stalled, published([trade])]
  expect(await faultsAfter([...steps, { action: 'cut', place: 0, by: 1 }])).toEqual([])
})

// Cause: what was subscribed while behind was to be told as replaced with the next read, which looks only at
// the partitions that there are then.
// Symptom: `{"T":"replaced","ranges":[]}`: nothing named the events of the number that a cut had retired.
// Seen: by the property, in one list of 4,280.
test('tells what it cannot count of a log that was cut back before the next read', async () => {
  const quotes = published([quote, { ...quote, symbol: 'C' }])
  const behind = [subscribed('quotes', 'C'), answered, stalled, quotes, answered, trickled, answered]
  const cut: Step = { action: 'cut', place: 0, by: 1 }
  expect(await faultsAfter([...behind, subscribed('quotes'), cut])).toEqual([])
})

// Cause: while the log was asked how far it reaches, a topic was recreated; the plan named the former
// numbers.
// Symptom: the acknowledgement lacked a partition whose events followed.
// Seen: by the property.
test('acknowledges a resume with the partitions of that moment', async () => {
  const steps: Step[] = [subscribed('trades'), { action: 'recreate', topic: 'market' }, reconnected(0)]
  expect(await faultsAfter([...steps, published([{ kind: 'none', place: 0 }])])).toEqual([])
})

// Cause: leaving an audience first writes what is pending; the reader fell behind by it after it had ended.
// Symptom: a session that was gone waited for room for ever, or joined an audience again.
// Seen: by the property: `behind` counted one more than there were sessions.
test('leaves nothing behind when it ends while its client does not keep up', async () => {
  const steps = [subscribed('trades'), answered, stalled, published([trade], { isFlushed: false })]
  expect(await faultsAfter([...steps, reconnected(0)])).toEqual([])
})

// Cause: a reader of nothing but intervals was taken to have been told of everything that its node had read.
// Symptom: the coverage with which it became live again began after the positions of its client: a gap.
// Seen: by the property: quotes at an interval, on a full connection.
test('leaves no gap where everything is delivered at intervals', async () => {
  const steps = [
    subscribed('quotes'),
    answered,
    stalled,
    published([quote]),
    { action: 'wait', ms: 100 } as const,
  ]
  expect(await faultsAfter([...steps, published([trade])], { conflateMs: 100 })).toEqual([])
})

// Cause: what was left over of an interval lay in partitions that had been recreated since, and the ranges to
// be named in those that came after them were empty.
// Symptom: `{"T":"replaced","ranges":[]}` before the snapshot.
// Seen: by the property.
test('names no range where only a topic that was recreated had something left of an interval', async () => {
  const quoteOfB = published([{ ...quote, symbol: 'B' }])
  const steps = [subscribed('quotes', 'B'), answered, quoteOfB, subscribed('quotes'), stalled]
  const recreated: Step = { action: 'recreate', topic: 'market' }
  expect(await faultsAfter([...steps, recreated, published([quote])], { conflateMs: 100 })).toEqual([])
})

test('reads again what it passed over, for a client that wants it before the reader has joined', async () => {
  const quoteAndTrade = published([quote, { kind: 'trade', symbol: 'B', size: 0 }])
  const steps = [subscribed('trades'), answered, stalled, quoteAndTrade, answered, trickled, answered]
  expect(await faultsAfter([...steps, subscribed('quotes'), drained])).toEqual([])
})
