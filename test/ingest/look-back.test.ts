import { afterEach, expect, test, vi } from 'vitest'
import { defaultDecoder } from '../../src/event/decoder.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Feed, FeedOptions } from '../../src/feed/feed.ts'
import { Ingest, type IngestOptions } from '../../src/ingest/ingest.ts'
import { RecordDecoder } from '../../src/ingest/record-decoder.ts'
import type { EventLog } from '../../src/log/event-log.ts'
import { defaultTopics } from '../../src/log/topics.ts'
import { openTemporaryLog, type TemporaryLog } from '../log/embedded/temporary-log.ts'
import { createTestFeed, defaults } from '../support/defaults.ts'

const time = '2026-01-02T14:30:00Z'
const opened: TemporaryLog[] = []
const ending = new AbortController()

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close()
})

function trade(symbol: string, price = 1): MarketEvent {
  return { T: 't', S: symbol, p: price, s: 1, t: time }
}

function quote(symbol: string, price = 1): MarketEvent {
  return { T: 'q', S: symbol, bp: price, bs: 1, ap: price, as: 1, t: time }
}

/** A log in one partition per topic that holds some events, the first ones first. */
async function logOf(events: readonly MarketEvent[]): Promise<EventLog> {
  const temporary = await openTemporaryLog()
  opened.push(temporary)
  const results = await temporary.log.append(events)
  expect(results.filter(result => 'error' in result)).toEqual([])
  return temporary.log
}

interface Start {
  readonly feed: Feed
  readonly ingest: Ingest
  readonly warnings: string[]
}

/** A node that starts on a log and reads only the last three records of each partition. */
function start(
  log: EventLog,
  options: Partial<IngestOptions> = {},
  changes: Partial<FeedOptions> = {},
): Start {
  const feed = createTestFeed(changes)
  const warnings: string[] = []
  const ingest = new Ingest({
    ...defaults.ingest,
    log,
    feed,
    decoder: defaultDecoder,
    // What a node looks back for lies before what it reads at start.
    warmUpRecords: 3,
    topics: defaultTopics,
    logger: { warn: (_fields, message) => warnings.push(message) },
    ...options,
  })
  void ingest.run(ending.signal).catch(() => undefined)
  return { feed, ingest, warnings }
}

function lastPrices(feed: Feed, channel: 'trades' | 'quotes'): Record<string, number> {
  const texts = [...feed.lastValues.snapshot(channel, '*')].map(bytes => bytes.toString())
  const events = texts.map((text): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>)
  return Object.fromEntries(events.map(event => [String(event['S']), Number(event['p'] ?? event['bp'])]))
}

test('finds the last event of a symbol that has been quiet for longer than the warm-up reads', async () => {
  const quiet = [quote('ZZZ', 5), quote('ZZZ', 6), ...Array.from({ length: 50 }, () => quote('AAPL'))]
  const { feed, ingest } = start(await logOf([...quiet, trade('ZZZ'), trade('AAPL')]))
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, ZZZ: 6 })
  expect(ingest.warmUp.lookBack).toMatchObject({ items: 1, missing: 0 })
})

test('reads no further back than it takes to know every symbol', async () => {
  const before = Array.from({ length: 20_000 }, () => quote('AAPL'))
  const recent = [quote('ZZZ'), ...Array.from({ length: 50 }, () => quote('AAPL'))]
  const { ingest } = start(await logOf([...before, ...recent, trade('ZZZ'), trade('AAPL')]))
  await ingest.warmUp.ready
  expect(ingest.warmUp.lookBack.missing).toBe(0)
  expect(ingest.warmUp.lookBack.records).toBeGreaterThan(40)
  expect(ingest.warmUp.lookBack.records).toBeLessThan(5000)
})

test('looks for a symbol that it meets on the way in the other channels, too', async () => {
  const trades = [trade('OLD', 7), ...Array.from({ length: 30 }, () => trade('AAPL'))]
  const quotes = [quote('OLD', 8), ...Array.from({ length: 30 }, () => quote('AAPL')), quote('NEW', 9)]
  const { feed, ingest } = start(await logOf([...trades, ...quotes]))
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'trades')).toMatchObject({ OLD: 7 })
  expect(lastPrices(feed, 'quotes')).toMatchObject({ OLD: 8, NEW: 9 })
  // NEW never traded.
  expect(ingest.warmUp.lookBack.missing).toBe(1)
})

test('becomes ready at its bound of records and says how many items have no event', async () => {
  const quotes = [quote('ZZZ'), ...Array.from({ length: 500 }, () => quote('AAPL'))]
  const log = await logOf([...quotes, trade('ZZZ'), trade('AAPL')])
  const { feed, ingest } = start(log, { lookBackRecords: 100 })
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1 })
  expect(ingest.warmUp.lookBack).toEqual({ records: 100, items: 0, missing: 1 })
})

test('expects no events of a channel that has none at all', async () => {
  const { ingest } = start(await logOf(Array.from({ length: 500 }, () => trade('AAPL'))))
  await ingest.warmUp.ready
  expect(ingest.warmUp.lookBack).toEqual({ records: 0, items: 0, missing: 0 })
})

test('does not replace what was read since', async () => {
  const log = await logOf([
    quote('ZZZ', 1),
    ...Array.from({ length: 50 }, () => quote('AAPL')),
    trade('ZZZ'),
    trade('AAPL'),
  ])
  const range = log.range.bind(log)
  // The new quote comes while the old one is being read.
  log.range = async function* (...args) {
    for await (const batch of range(...args)) {
      await log.append([quote('ZZZ', 2)])
      await expect.poll(() => lastPrices(feed, 'quotes')['ZZZ']).toBe(2)
      yield batch
    }
  }
  const { feed, ingest } = start(log)
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, ZZZ: 2 })
})

test('reads a piece again when the log failed, from its beginning', async () => {
  const log = await logOf([
    quote('ZZZ', 5),
    ...Array.from({ length: 50 }, () => quote('AAPL')),
    trade('ZZZ'),
    trade('AAPL'),
  ])
  const range = log.range.bind(log)
  let failures = 0
  log.range = async function* (...args) {
    yield* range(...args)
    failures += 1
    if (failures === 1) throw new Error('connection lost')
  }
  const { feed, ingest, warnings } = start(log)
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, ZZZ: 5 })
  expect(warnings).toEqual(['a partition cannot be looked back through yet'])
})

test('becomes ready at its bound of time when the log does not answer', async () => {
  const log = await logOf([
    quote('ZZZ'),
    ...Array.from({ length: 50 }, () => quote('AAPL')),
    trade('ZZZ'),
    trade('AAPL'),
  ])
  // Answers nothing until it is aborted.
  log.range = async function* (_partition, _from, _to, signal) {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    yield* []
  }
  const { ingest } = start(log, { lookBackMs: 100 })
  await expect.poll(() => ingest.warmUp.notReadyReason).toContain('still being searched for')
  await ingest.warmUp.ready
  expect(ingest.warmUp.lookBack.missing).toBe(1)
  expect(ingest.warmUp.durationMs).toBeGreaterThan(0)
})

test('passes over poison without counting it a second time', async () => {
  const log = await logOf([
    quote('ZZZ', 4),
    ...Array.from({ length: 50 }, () => quote('AAPL')),
    trade('ZZZ'),
    trade('AAPL'),
  ])
  const decoder: IngestOptions['decoder'] = {
    decode: record => {
      const event = defaultDecoder.decode(record)
      if (record.offset % 2 === 1 && record.value?.includes('"T":"q"')) throw new Error('bad')
      return event
    },
  }
  const { feed, ingest } = start(log, { decoder })
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, ZZZ: 4 })
  // Of the offsets 48 to 50.
  expect(ingest.counts.poison.decoder).toBe(1)
  expect(ingest.warmUp.lookBack.records).toBe(48)
})

// Cause: keys were read as Latin-1, in which the key of one symbol looks like another one.
// Symptom: the record of a symbol was passed over, and it had no snapshot after a restart.
// Seen: when the alphabet of symbols was widened (issue 13).
test('tells symbols apart in UTF-8', async () => {
  const quotes = [quote('ê', 5), ...Array.from({ length: 50 }, () => quote('AAPL')), quote('Ãª', 6)]
  const { feed, ingest } = start(await logOf([...quotes, trade('ê'), trade('Ãª')]))
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, Ãª: 6, ê: 5 })
})

/** The same log as a producer would have filled it that chooses other keys. */
function keyedBy(log: EventLog, keyOf: (symbol: string) => string | undefined): EventLog {
  const range = log.range.bind(log)
  log.range = async function* (...args) {
    for await (const batch of range(...args)) {
      const records = batch.records.map(record => {
        const { S = '' } = JSON.parse(String(record.value)) as { readonly S?: string }
        const key = keyOf(S)
        return { ...record, key: key === undefined ? null : Buffer.from(key) }
      })
      yield { ...batch, records }
    }
  }
  return log
}

// Cause: records were passed over by their keys, where these were symbols of which everything was known.
// Symptom: no snapshot value of an option whose records are keyed by its underlying, or of whatever is keyed
// by a ticker of something else.
// Seen: options keyed by AAPL, which has had a trade and a quote.
test.each([
  ['the underlying', (symbol: string) => symbol.slice(0, 4)],
  ['a venue whose code is a ticker', () => 'AAPL'],
  ['nothing', () => undefined],
])('finds the last event of a symbol whose records are keyed by %s', async (_, keyOf) => {
  const quiet = [quote('AAPL240119C', 5), quote('AAPL240119C', 6)]
  const busy = Array.from({ length: 50 }, () => quote('AAPL'))
  const log = await logOf([...quiet, ...busy, trade('AAPL240119C'), trade('AAPL')])
  const { feed, ingest } = start(keyedBy(log, keyOf))
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, AAPL240119C: 6 })
  expect(ingest.warmUp.lookBack).toMatchObject({ items: 1, missing: 0 })
})

test('decodes nothing of items that have an event', async () => {
  const busy = Array.from({ length: 500 }, () => quote('AAPL'))
  const log = await logOf([quote('ZZZ'), ...busy, trade('ZZZ'), trade('AAPL')])
  const decode = vi.spyOn(RecordDecoder.prototype, 'decode')
  const { feed, ingest } = start(log)
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, ZZZ: 1 })
  expect(ingest.warmUp.lookBack.records).toBe(498)
  // Three of each partition at start, and the one that was looked for.
  expect(decode.mock.calls.length).toBe(6)
  decode.mockRestore()
})

test('looks no further when there is no place for what it would find', async () => {
  const before = Array.from({ length: 50 }, (_, index) => quote(`OLD${index}`))
  const log = await logOf([...before, trade('ZZZ'), quote('AAPL'), trade('AAPL')])
  const { feed, ingest } = start(log, {}, { maxItems: 5 })
  await ingest.warmUp.ready
  expect(lastPrices(feed, 'quotes')).toEqual({ AAPL: 1, OLD48: 1, OLD49: 1 })
  expect(ingest.warmUp.lookBack.records).toBe(0)
})
