import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Partition } from '../../src/event/log-record.ts'
import type { Feed } from '../../src/feed/feed.ts'
import { Selection } from '../../src/feed/selection.ts'
import type { Payload } from '../../src/wire/payload.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import { maxFrameBytes } from '../../src/wire/wire-form.ts'
import { createTestFeed } from '../support/defaults.ts'

const jsonForm = new JsonForm()

type Range = readonly [number: number, from: number, to: number]
type Message = { readonly T: string; readonly S?: string; readonly i?: number; readonly ranges?: Range[] }

const partitions: readonly Partition[] = [0, 1, 2].map(partition => ({ topic: 'market.trades', partition }))
const symbols = ['A', 'B', 'C', 'D']

const trade = (symbol: string, id: number, exchange = 'V'): MarketEvent => ({
  T: 't',
  S: symbol,
  i: id,
  x: exchange,
  p: 1,
  s: 1,
  t: '2026-01-02T14:30:00Z',
})

/** A client that believes nothing: it holds every frame against what it has, and keeps what it received. */
class Doubter {
  readonly selection: Selection
  /** The next offset of each partition, by its number. */
  readonly have: Map<number, number>
  readonly received: string[] = []
  readonly faults: string[] = []
  frames = 0

  constructor(feed: Feed, selection: Selection) {
    this.selection = selection
    this.have = new Map(feed.positions.map(({ number, offset }) => [number, offset]))
  }

  deliver(frame: Payload): void {
    const messages = JSON.parse(frame.bytes.toString()) as Message[]
    const last = messages.pop()
    this.#check(last?.T === 'coverage', 'a frame without coverage')
    this.#check(frame.bytes.length <= maxFrameBytes || messages.length === 1, 'a frame that is too long')
    const ranges = new Map((last?.ranges ?? []).map(([number, ...range]) => [number, range]))
    for (const [number, [from, to]] of ranges) {
      this.#check(from <= (this.have.get(number) ?? 0), `a gap before ${from}`)
      this.#check(from <= to, `[${from}, ${to})`)
    }
    for (const { S, i = 0 } of messages) {
      // A trade's id holds its place: partition and offset.
      const [number, offset] = [Math.floor(i / 1e6), i % 1e6]
      const [from, to] = ranges.get(number) ?? [0, 0]
      this.#check(offset >= (this.have.get(number) ?? 0), `${i} again`)
      this.#check(offset >= from && offset < to, `${i} is not covered`)
      this.received.push(`${S} ${i}`)
    }
    for (const [number, [, to]] of ranges) this.have.set(number, Math.max(this.have.get(number) ?? 0, to))
    this.frames++
  }

  #check(isRight: boolean, fault: string): void {
    if (!isRight) this.faults.push(fault)
  }
}

function selectionOf(names: readonly string[]): Selection {
  return new Selection(new Map([['trades', names.includes('*') ? '*' : new Set(names)]]))
}

interface Batch {
  readonly partition: number
  /** A symbol per offset; none for a record that is no event. */
  readonly records: readonly (string | undefined)[]
}

const batch: fc.Arbitrary<Batch> = fc.record({
  partition: fc.nat(2),
  records: fc.array(fc.option(fc.constantFrom(...symbols), { nil: undefined }), { maxLength: 5 }),
})
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(batch, { minLength: 1, maxLength: 4 }).map(batches => ({ batches })) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(fc.constantFrom('*', ...symbols), { minLength: 1, maxLength: 3 })
      .map(names => ({ names })),
  },
)

describe('coverage', () => {
  test('proves to a subscriber that joins at any time that it has everything, and nothing twice', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const feed = createTestFeed()
        const offsets = [0, 0, 0]
        const truth: { readonly symbol: string; readonly id: number; readonly at: number }[] = []
        const doubters: {
          readonly client: Doubter
          readonly at: number
          readonly names: readonly string[]
        }[] = []
        for (const partition of partitions) feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
        for (const [at, one] of steps.entries()) {
          if ('names' in one) {
            const client = new Doubter(feed, selectionOf(one.names))
            feed.fanOut.join(client, client.selection, jsonForm)
            doubters.push({ client, at, names: one.names })
            continue
          }
          for (const { partition: number, records } of one.batches) {
            const partition = partitions[number]!
            for (const symbol of records) {
              const offset = offsets[number]!++
              if (symbol === undefined) continue
              const id = number * 1e6 + offset
              feed.add(trade(symbol, id), { partition: number, offset, writtenMs: 0 })
              truth.push({ symbol, id, at })
            }
            feed.advance({ partition, epoch: 'e', offset: offsets[number]! }, offsets[number]!)
          }
          feed.flush()
        }
        for (const { client, at, names } of doubters) {
          const expected = truth.filter(
            event => event.at > at && (names.includes('*') || names.includes(event.symbol)),
          )
          expect(client.faults).toEqual([])
          expect(client.received).toEqual(expected.map(({ symbol, id }) => `${symbol} ${id}`))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('is exact in each of the frames into which a large flush is cut', () => {
    const feed = createTestFeed()
    for (const partition of partitions) feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
    const client = new Doubter(feed, selectionOf(['A']))
    feed.fanOut.join(client, client.selection, jsonForm)
    for (const [number, partition] of partitions.entries()) {
      for (let offset = 0; offset < 2000; offset++) {
        feed.add(trade(offset % 2 === 0 ? 'A' : 'B', number * 1e6 + offset, 'x'.repeat(40)), {
          partition: number,
          offset,
          writtenMs: 0,
        })
      }
      feed.advance({ partition, epoch: 'e', offset: 2001 }, 2001)
    }
    feed.flush()
    expect(client.faults).toEqual([])
    expect(client.frames).toBeGreaterThan(3)
    expect(client.received).toHaveLength(3000)
    expect([...client.have.values()]).toEqual([2001, 2001, 2001])
  })

  test('begins anew, under another number, where a topic was recreated or cut back', () => {
    const feed = createTestFeed()
    const told: string[] = []
    feed.onPartition.add(({ number, epoch, offset }) => told.push(`${number} ${epoch} ${offset}`))
    const [partition] = partitions
    feed.advance({ partition: partition!, epoch: 'e', offset: 50 }, 50)
    feed.advance({ partition: partition!, epoch: 'e', offset: 60 }, 60)
    feed.advance({ partition: partition!, epoch: 'e', offset: 55 }, 55)
    feed.advance({ partition: partition!, epoch: 'f', offset: 0 }, 0)
    expect(told).toEqual(['0 e 50', '1 e 55', '2 f 0'])
    const client = new Doubter(feed, selectionOf(['A']))
    feed.fanOut.join(client, client.selection, jsonForm)
    feed.add(trade('A', 2e6), { partition: 2, offset: 0, writtenMs: 0 })
    feed.advance({ partition: partition!, epoch: 'f', offset: 1 }, 1)
    feed.flush()
    expect(client.faults).toEqual([])
    expect(client.have).toEqual(new Map([[2, 1]]))
  })

  test('is written right for offsets of any size', () => {
    const feed = createTestFeed()
    const largest = Number.MAX_SAFE_INTEGER - 1
    const ends = [9, 10, 99, 1e9, 2 ** 32, 1e15 - 1, largest]
    for (const [partition, offset] of ends.entries()) {
      feed.advance({ partition: { topic: 't', partition }, epoch: 'e', offset }, offset)
    }
    const frames: Payload[] = []
    feed.fanOut.join({ deliver: frame => void frames.push(frame) }, selectionOf(['A']), jsonForm)
    const places = feed.positions.map(position => position.partition)
    for (const [number, offset] of ends.entries()) {
      feed.add(trade('A', number), { partition: number, offset, writtenMs: 0 })
      feed.advance({ partition: places[number]!, epoch: 'e', offset: offset + 1 }, offset + 1)
    }
    feed.flush()
    const messages = JSON.parse(frames[0]!.bytes.toString()) as Message[]
    expect(messages.at(-1)).toEqual({
      T: 'coverage',
      ranges: ends.map((offset, number) => [number, offset, offset + 1]),
    })
  })
})
