import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { channelOfType, type MarketEvent } from '../../../src/event/event.ts'
import { Items } from '../../../src/feed/last-values/items.ts'
import type { Item } from '../../../src/feed/last-values/item.ts'
import { EventBatch } from '../../../src/feed/last-values/event-batch.ts'
import { ConflatedCursor } from '../../../src/feed/recent-events/conflated-cursor.ts'
import type { PartitionWindow } from '../../../src/feed/recent-events/partition-window.ts'
import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import { readConflated } from '../../../src/feed/recent-events/read-conflated.ts'
import {
  type ItemFilter,
  followChains,
  readEvents,
  scanEvents,
} from '../../../src/feed/recent-events/read-events.ts'
import { RecentEvents } from '../../../src/feed/recent-events/recent-events.ts'
import { generateTape } from '../../../test/support/tape.ts'
import { Random } from '../../../test/support/random.ts'
import { answerCalls } from '../../lib/child.ts'
import { ownCpuUs, StageClock } from '../../lib/clocks.ts'
import { spreadOf } from '../../lib/statistics.ts'

const readBuffer = new ReadBuffer({ maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 })
const hour = 3_600_000
const repetitions = 11
const rollingBytes = 64_000_000
let market: Market | undefined
let partition: PartitionWindow | undefined

const functions = {
  async add(events: number, symbols: number) {
    market = new Market(symbols)
    // Lets V8 compile the code that is measured.
    fill(market, new RecentEvents({ maxBytes: 20_000_000, maxAgeMs: hour }).open(0, 0), 100_000)
    const before = await memory()
    const window = new RecentEvents({ maxBytes: 1e12, maxAgeMs: hour })
    const filled = window.open(0, 0)
    partition = filled
    const appended = fill(market, filled, events)
    const { bytes } = window.counts
    const held = (await memory()) - before
    const buffersBefore = process.memoryUsage().arrayBuffers
    const rolling = new RecentEvents({ maxBytes: rollingBytes, maxAgeMs: hour }).open(0, 0)
    fill(market, rolling, 600_000)
    await memory()
    const collections = watchCollections()
    const rolled = fill(market, rolling, events)
    return {
      /** Of JSON. */
      eventBytes: market.meanBytes,
      /** Heap and buffers that are there after a collection. */
      bytesPerEvent: held / events,
      /** By the window's own account. */
      countedBytesPerEvent: bytes / events,
      appendUs: appended.us / events,
      /** When another event leaves for each. */
      rollingUs: rolled.us / events,
      /** The most memory in buffers then, as a ratio to what the window may take. */
      rollingMemory: (rolled.mostBuffers - buffersBefore) / rollingBytes,
      longestBatchMs: rolled.longestBatchMs,
      longestCollectionMs: await collections(),
    }
  },

  /** Reads every event of some items, so many events behind. */
  catchUp(way: Way, wantedItems: number, behind: number): CatchUp {
    const wanted = someItems(wantedItems)
    const window = opened()
    return median(() => {
      let from = window.to - behind
      return catchUp(() => {
        from = readBy(way, window, { from, wanted, readBuffer })
        return from === window.to
      })
    })
  },

  /** Reads the newest of every quote, so many events behind. */
  conflate(behind: number): CatchUp {
    const window = opened()
    const wanted: ItemFilter = item => market?.items.at(item)?.channel === 'quotes'
    return median(() => {
      const cursor = new ConflatedCursor(window.to - behind)
      return catchUp(() => readConflated(window, { cursor, wanted, readBuffer }).to === window.to)
    })
  },
}

export type WindowProcess = typeof functions
/** The cost of adding an event to the window. */
export type Adding = Awaited<ReturnType<WindowProcess['add']>>
/** The cost of a reader until it has everything. */
export type CatchUp = ReturnType<typeof catchUp>
/** How a reader finds its events: in all rows, along the chains of its items, or as the window chooses. */
export type Way = 'rows' | 'chains' | 'chosen'

function opened(): PartitionWindow {
  if (partition === undefined) throw new Error('no event was added')
  return partition
}

/** Items drawn from all, however busy. */
function someItems(count: number): ReadonlySet<number> {
  const random = new Random(count)
  const all = market?.items.size ?? 0
  const items = new Set<number>()
  while (items.size < Math.min(count, all)) items.add(random.whole(0, all - 1))
  return items
}

function readBy(way: Way, window: PartitionWindow, reading: Parameters<typeof readEvents>[1]): number {
  if (way === 'chosen') return readEvents(window, reading).to
  const to =
    way === 'rows' ? scanEvents(window, reading, readBuffer.steps) : followChains(window, reading, 1_000_000)
  readBuffer.seal()
  return to ?? window.to
}

/** The median of some times, after as many that are not counted. */
function median(measure: () => CatchUp): CatchUp {
  for (let time = 0; time < repetitions; time++) measure()
  const all = Array.from({ length: repetitions }, measure)
  return {
    ms: spreadOf(all.map(({ ms }) => ms)).median,
    events: all[0]?.events ?? 0,
    longestReadMs: spreadOf(all.map(({ longestReadMs }) => longestReadMs)).median,
  }
}

function catchUp(read: () => boolean) {
  let [events, longestReadMs] = [0, 0]
  const begunCpuUs = ownCpuUs()
  for (let isDone = false; !isDone; ) {
    readBuffer.clear()
    const begunMs = performance.now()
    isDone = read()
    longestReadMs = Math.max(longestReadMs, performance.now() - begunMs)
    events += readBuffer.count
  }
  return { ms: (ownCpuUs() - begunCpuUs) / 1000, events, longestReadMs }
}

interface Filling {
  readonly us: number
  readonly longestBatchMs: number
  /** Bytes of buffers that the process had at most. */
  readonly mostBuffers: number
}

function fill(source: Market, window: PartitionWindow, events: number): Filling {
  const clock = new StageClock<'make' | 'append'>()
  let [longestBatchMs, mostBuffers] = [0, 0]
  for (let taken = 0; taken < events; ) {
    const batch = source.nextBatch()
    clock.end('make')
    const begunMs = performance.now()
    window.begin(batch.offsets[0] ?? 0)
    for (let index = 0; index < batch.count; index++) window.append(batch, index)
    longestBatchMs = Math.max(longestBatchMs, performance.now() - begunMs)
    clock.end('append')
    taken += batch.count
    mostBuffers = Math.max(mostBuffers, process.memoryUsage().arrayBuffers)
  }
  return { us: clock.us('append'), longestBatchMs, mostBuffers }
}

/** Reachable bytes. Buffers are given back some time after the collection that found them. */
async function memory(): Promise<number> {
  for (let collections = 0; collections < 5; collections++) {
    globalThis.gc?.()
    await pause(50)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Watches collections; the returned function resolves with the longest one, in ms. */
function watchCollections(): () => Promise<number> {
  let longestMs = 0
  const observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) longestMs = Math.max(longestMs, duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  return async () => {
    // The observer is called in a later turn of the loop.
    await pause(50)
    observer.disconnect()
    return longestMs
  }
}

const batchEvents = 500
const distinctEvents = 100_000

/**
 * A generated market in batches, as ingest has them after one read of the log. It never ends: after a while
 * it begins again, with higher offsets.
 */
class Market {
  readonly items = new Items(1_000_000)
  readonly meanBytes: number
  readonly #batches: EventBatch[] = []
  #made = 0

  constructor(symbols: number) {
    const tape = generateTape({ seed: 1, symbols, events: distinctEvents })
    for (let from = 0; from < tape.length; from += batchEvents) {
      this.#batches.push(this.#batchOf(tape.slice(from, from + batchEvents)))
    }
    const bytes = this.#batches.reduce((sum, batch) => sum + batch.end(batch.count - 1), 0)
    this.meanBytes = bytes / tape.length - 1
  }

  /** The next events. */
  nextBatch(): EventBatch {
    const batch = this.#batches[(this.#made / batchEvents) % this.#batches.length]
    if (batch === undefined) throw new Error('the market is empty')
    for (let index = 0; index < batch.count; index++) batch.offsets[index] = this.#made++
    return batch
  }

  #batchOf(events: readonly MarketEvent[]): EventBatch {
    const batch = new EventBatch()
    for (const event of events) {
      const [first, ...others] = this.#itemsOf(event)
      if (first === undefined) throw new Error(`${event.T}: an event without an item`)
      const index = batch.append(JSON.stringify(event), first, { partition: 0, offset: 0 })
      if (others.length > 0) batch.others.set(index, others)
    }
    return batch
  }

  #itemsOf(event: MarketEvent): readonly Item[] {
    const symbols = event.T === 'n' ? (event.symbols.length === 0 ? [''] : event.symbols) : [event.S]
    return symbols.flatMap(symbol => this.items.admit(channelOfType[event.T], symbol, 0) ?? [])
  }
}

answerCalls(functions)
