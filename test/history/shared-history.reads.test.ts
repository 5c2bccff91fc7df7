import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Position } from '../../src/event/log-record.ts'
import type { History, HistoryBatch } from '../../src/history/history.ts'
import { SharedHistory } from '../../src/history/shared-history.ts'
import { CountedHistory, readAll } from './counted-history.ts'

const partition = { topic: 'trades', partition: 0 }
const at = (offset: number): Position => ({ partition, epoch: 'a', offset })
const signal = new AbortController().signal

const trade = (i: number): MarketEvent => ({ T: 't', S: 'AAPL', i, p: 1, s: 1, t: '2026-01-02T14:30:00Z' })

/**
 * A partition in memory that holds some ranges of offsets; between them, and before the first, all is gone.
 */
class SomeHistory implements History {
  ranges: readonly (readonly [from: number, to: number])[]

  constructor(ranges: SomeHistory['ranges']) {
    this.ranges = ranges
  }

  get #stable(): number {
    return this.ranges.at(-1)?.[1] ?? 0
  }

  readableRange(): ReturnType<History['readableRange']> {
    return Promise.resolve({ first: this.ranges[0]?.[0] ?? 0, recent: 0, stable: this.#stable })
  }

  end(): Promise<number> {
    return Promise.resolve(this.#stable)
  }

  /** In batches of seven, a gap cut off at `to`, as a log does it. */
  async *read({ offset }: Position, to: number, leaving: AbortSignal): AsyncGenerator<HistoryBatch, void> {
    let next = offset
    for (const [first, end] of this.ranges) {
      while (next < end && next < to) {
        await Promise.resolve()
        if (leaving.aborted) return
        const from = Math.min(Math.max(next, first), to)
        next = Math.min(from + 7, end, to)
        const offsets = Array.from({ length: next - from }, (_, index) => from + index)
        yield {
          from,
          to: next,
          events: offsets.map(each => ({ event: trade(each), offset: each, json: undefined })),
        }
      }
    }
  }
}

function share(
  history: History,
  options: { readonly maxBytes?: number; readonly chunkOffsets?: number } = {},
): { readonly counted: CountedHistory; readonly shared: SharedHistory } {
  const counted = new CountedHistory(history)
  return {
    counted,
    shared: new SharedHistory({ history: counted, maxBytes: 1e6, chunkOffsets: 16, ...options }),
  }
}

test('every reader of shared ranges reads what it would have read alone', async () => {
  const someRanges = fc
    .uniqueArray(fc.nat(120), { minLength: 2, maxLength: 8 })
    .map(cuts => cuts.toSorted((a, b) => a - b))
    .map(cuts =>
      cuts.flatMap((from, index) =>
        index % 2 === 0 && cuts[index + 1] ? [[from, cuts[index + 1]!] as const] : [],
      ),
    )
  const someReads = fc.array(fc.tuple(fc.nat(130), fc.nat(130)), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      someRanges,
      someReads,
      fc.integer({ min: 1, max: 40 }),
      async (ranges, reads, chunkOffsets) => {
        const history = new SomeHistory(ranges)
        const { shared } = share(history, { chunkOffsets, maxBytes: 20_000 })
        // Ranges begin at once, also in a gap: a reader that begins in one learns of it by
        // its end.
        const results = await Promise.all(reads.map(([from, to]) => readAll(shared, [at(from), to])))
        const expected = await Promise.all(reads.map(([from, to]) => readAll(history, [at(from), to])))
        expect(results.map(({ events }) => events)).toEqual(expected.map(({ events }) => events))
        expect(results.map(({ ranges: told }) => coverage(told))).toEqual(
          expected.map(({ ranges: told }) => coverage(told)),
        )
      },
    ),
    { numRuns: 300 },
  )
})

/** The offsets that were reported as read; empty ranges only say where a gap ends. */
function coverage(ranges: readonly (readonly [number, number])[]): readonly unknown[] {
  const last = ranges.at(-1)?.[1]
  return [ranges.filter(([from, to]) => from < to), last]
}

describe('a chunk that several readers wait for', () => {
  test('continues for the others when one reader leaves', async () => {
    const { counted, shared } = share(new SomeHistory([[0, 100]]))
    const gate = Promise.withResolvers<void>()
    counted.gate = () => gate.promise
    const leaving = new AbortController()
    const first = readAll(shared, [at(0), 16], leaving.signal)
    const second = readAll(shared, [at(0), 16])
    leaving.abort()
    expect((await first).events).toEqual([])
    gate.resolve()
    expect((await second).events).toHaveLength(16)
    expect(counted.reads).toEqual(['0-16'])
    expect(counted.abandoned).toBe(0)
  })

  test('is aborted when every reader has left, and begins again for a later one', async () => {
    const { counted, shared } = share(new SomeHistory([[0, 100]]))
    const gate = Promise.withResolvers<void>()
    counted.gate = () => gate.promise
    const leaving = new AbortController()
    const reads = [1, 2].map(() => readAll(shared, [at(0), 16], leaving.signal))
    leaving.abort()
    await Promise.all(reads)
    const later = readAll(shared, [at(0), 16])
    gate.resolve()
    expect((await later).events).toHaveLength(16)
    expect(counted.abandoned).toBe(1)
    expect(counted.reads).toEqual(['0-16', '0-16'])
    expect(shared.counts).toEqual({ log: 1, shared: 0, cache: 0 })
  })

  test('fails for all of them, and begins again for the next', async () => {
    const { counted, shared } = share(new SomeHistory([[0, 100]]))
    counted.gate = () => Promise.reject(new Error('the log does not answer'))
    const results = await Promise.allSettled([1, 2, 3].map(() => readAll(shared, [at(0), 16])))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(counted.reads).toHaveLength(1)
    counted.gate = () => Promise.resolve()
    expect((await readAll(shared, [at(0), 16])).events).toHaveLength(16)
  })

  test('that ended with the log is read again by a reader that asked when the log was longer', async () => {
    const history = new SomeHistory([[0, 5]])
    const { counted, shared } = share(history)
    const before = Promise.withResolvers<void>()
    const read = history.read.bind(history)
    let isFirst = true
    // The first read has met the end of the log, and is held up before it says so.
    history.read = async function* (from, to, leaving) {
      const batches = await Array.fromAsync(read(from, to, leaving))
      if (isFirst) {
        isFirst = false
        await before.promise
      }
      yield* batches
    }
    const early = readAll(shared, [at(0), 16])
    await new Promise(resolve => setImmediate(resolve))
    history.ranges = [[0, 12]]
    const late = [1, 2].map(() => readAll(shared, [at(0), 16]))
    before.resolve()
    expect((await early).events).toHaveLength(5)
    expect((await Promise.all(late)).map(({ events }) => events.length)).toEqual([12, 12])
    expect(counted.reads).toHaveLength(2)
  })
})

test('reads at most four chunks of the log at a time, in the order of the requests', async () => {
  const { counted, shared } = share(new SomeHistory([[0, 1000]]))
  counted.gate = () => new Promise(resolve => setImmediate(resolve))
  const starts = Array.from({ length: 40 }, (_, index) => index * 16)
  const reads = starts.map(start => readAll(shared, [at(start), start + 16]))
  expect(shared.reads).toBe(40)
  await Promise.all(reads)
  expect(counted.mostUnderWay).toBe(4)
  expect(counted.reads).toEqual(starts.map(start => `${start}-${start + 16}`))
})

test('two readers of a chunk are served in each turn of the event loop', async () => {
  const { shared } = share(new SomeHistory([[0, 16]]))
  let turn = 0
  let isOver = false
  const count = (): void => {
    turn++
    if (!isOver) setImmediate(count)
  }
  const turns: number[] = []
  const reads = Array.from({ length: 20 }, async () => {
    for await (const { to } of shared.read(at(0), 16, signal)) turns.push(to > 0 ? turn : 0)
  })
  setImmediate(count)
  await Promise.all(reads)
  isOver = true
  const most = Math.max(...turns.map(each => turns.filter(other => other === each).length))
  expect(most).toBeLessThanOrEqual(3)
})

describe('the cache', () => {
  test('is bounded: the least recently used chunk leaves first', async () => {
    const { counted, shared } = share(new SomeHistory([[0, 1000]]), { maxBytes: 33_000 })
    for (const start of [0, 16, 32, 0]) await readAll(shared, [at(start), start + 16])
    expect(counted.reads).toHaveLength(3)
    await readAll(shared, [at(48), 64])
    expect(shared.bytes).toBeLessThanOrEqual(33_000)
    await readAll(shared, [at(0), 16])
    expect(counted.reads).toHaveLength(4)
    await readAll(shared, [at(16), 32])
    expect(counted.reads).toHaveLength(5)
  })

  test('is dropped with its partition, running reads included', async () => {
    const history = new SomeHistory([[0, 32]])
    const { counted, shared } = share(history)
    await readAll(shared, [at(0), 16])
    const gate = Promise.withResolvers<void>()
    counted.gate = () => gate.promise
    const underWay = readAll(shared, [at(16), 32])
    shared.forget(partition)
    expect(shared.bytes).toBe(0)
    gate.resolve()
    expect((await underWay).events).toHaveLength(16)
    expect(shared.bytes).toBe(0)
    await readAll(shared, [at(0), 32])
    expect(counted.reads).toEqual(['0-16', '16-32', '0-16', '16-32'])
    shared.forget({ ...partition, partition: 1 })
    expect(shared.bytes).toBeGreaterThan(0)
    shared.clear()
    expect(shared.bytes).toBe(0)
  })
})
