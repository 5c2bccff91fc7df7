import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { ConflatedCursor } from '../../src/feed/recent-events/conflated-cursor.ts'
import type { PartitionWindow } from '../../src/feed/recent-events/partition-window.ts'
import { ReadBuffer } from '../../src/feed/recent-events/read-buffer.ts'
import { readConflated } from '../../src/feed/recent-events/read-conflated.ts'
import {
  type ItemFilter,
  followChains,
  readEvents,
  scanEvents,
} from '../../src/feed/recent-events/read-events.ts'
import { RecentEvents } from '../../src/feed/recent-events/recent-events.ts'
import { Random } from '../../test/support/random.ts'
import { answerCalls } from '../child-calls.ts'
import { StageClock } from '../stage-clock.ts'
import { spreadOf } from '../statistics.ts'
import { Market } from './market.ts'
import type { CatchUp, Taking, Way } from './measured.ts'

const readBuffer = new ReadBuffer({ maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 })
const hour = 3_600_000
const repetitions = 11
const rollingBytes = 64_000_000
let market: Market | undefined
let partition: PartitionWindow | undefined

/** The functions of this process. */
const functions = {
  async take(events: number, symbols: number): Promise<Taking> {
    market = new Market(symbols)
    // Compiles what is measured.
    fill(market, new RecentEvents({ maxBytes: 20_000_000, maxAgeMs: hour }).open(0, 0), 100_000)
    const before = await memory()
    const window = new RecentEvents({ maxBytes: 1e12, maxAgeMs: hour })
    partition = window.open(0, 0)
    const appended = fill(market, partition, events)
    const { bytes } = window.counts
    const held = (await memory()) - before
    const buffersBefore = process.memoryUsage().arrayBuffers
    const rolling = new RecentEvents({ maxBytes: rollingBytes, maxAgeMs: hour }).open(0, 0)
    fill(market, rolling, 600_000)
    await memory()
    const collections = watchCollections()
    const rolled = fill(market, rolling, events)
    return {
      eventBytes: market.meanBytes,
      bytesPerEvent: held / events,
      countedBytesPerEvent: bytes / events,
      appendUs: appended.us / events,
      rollingUs: rolled.us / events,
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

function opened(): PartitionWindow {
  if (partition === undefined) throw new Error('nothing was taken in')
  return partition
}

/** Of all items, however busy. */
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
  const { events, reads } = measure()
  return {
    ms: spreadOf(all.map(({ ms }) => ms)).median,
    events,
    reads,
    longestReadMs: spreadOf(all.map(({ longestReadMs }) => longestReadMs)).median,
  }
}

function catchUp(read: () => boolean): CatchUp {
  let [events, reads, longestReadMs] = [0, 0, 0]
  const clock = new StageClock<'reads'>()
  for (let isDone = false; !isDone; reads++) {
    readBuffer.clear()
    const begunMs = performance.now()
    isDone = read()
    longestReadMs = Math.max(longestReadMs, performance.now() - begunMs)
    events += readBuffer.count
  }
  clock.end('reads')
  return { ms: clock.us('reads') / 1000, events, reads, longestReadMs }
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

/** What is reachable, in bytes. Buffers are given back some time after the collection that found them. */
async function memory(): Promise<number> {
  for (let collections = 0; collections < 5; collections++) {
    globalThis.gc?.()
    await pause(50)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Tells the longest collection until it is asked. */
function watchCollections(): () => Promise<number> {
  let longestMs = 0
  const observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) longestMs = Math.max(longestMs, duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  return async () => {
    // They are told in a later turn of the loop.
    await pause(50)
    observer.disconnect()
    return longestMs
  }
}

answerCalls(functions)
