import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder, type TapeFrame } from '../../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import { anyBusyEvent } from './any-event.ts'
import { writeReset, FrameMaker, ItemNumbers, type Part, partOf, seen } from './tape-fixture.ts'

const partitions = 3

const entry = fc.record({
  event: anyBusyEvent,
  /** Seldom another one than the item has. */
  moves: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.constant(1)),
})
type Entry = { readonly event: MarketEvent; readonly moves: number }

/** What goes into one frame, and how far beyond its events it reaches. */
const batch = fc.record({
  entries: fc.array(entry, { minLength: 1, maxLength: 6 }),
  beyond: fc.array(fc.tuple(fc.nat(partitions - 1), fc.oneof(fc.nat(3), fc.constant(2 ** 40))), {
    maxLength: 2,
  }),
})
const batches = fc.array(batch, { minLength: 1, maxLength: 20, size: 'max' })

describe('an encoded stream', () => {
  test('is decoded equal in every field, whatever events come in whatever order', () => {
    fc.assert(
      fc.property(batches, fc.array(fc.maxSafeNat(), { minLength: 3, maxLength: 3 }), (all, begins) => {
        const fixture = new SessionFixture(begins.map(begin => begin % 2 ** 45))
        const receiver = fixture.receiver()
        for (const one of all) {
          const { parts, events, beyond } = fixture.take(one)
          expect(receiver.read(parts, beyond)).toEqual(events.map(seen))
        }
      }),
      { numRuns: 400 },
    )
  })

  test('is the same for a receiver that joins later with bases, and after a reset', () => {
    fc.assert(
      fc.property(batches, fc.nat(19), fc.boolean(), (all, joinAt, isAgain) => {
        const fixture = new SessionFixture([0, 0, 0])
        let receiver = fixture.receiver()
        for (const [index, one] of all.entries()) {
          if (index === joinAt % all.length)
            receiver = isAgain ? fixture.rejoin(receiver) : fixture.receiver()
          const { parts, events, beyond } = fixture.take(one)
          expect(receiver.read(parts, beyond)).toEqual(events.map(seen))
        }
      }),
      { numRuns: 300 },
    )
  })

  test('states how many events each one replaces, for a conflated reader with a chain of its own', () => {
    fc.assert(
      fc.property(batches, all => {
        const numbers = new ItemNumbers()
        const chain = new TapeEncoder()
        const frames = new FrameMaker([0])
        const decoder = new TapeDecoder()
        decoder.decode(frames.opening())
        for (const { entries } of all) {
          const newest = new Map<number, { event: MarketEvent; replaces: number }>()
          for (const { event } of entries) {
            const item = numbers.of(event)
            newest.set(item, { event, replaces: (newest.get(item)?.replaces ?? -1) + 1 })
          }
          const parts = [...newest].map(([item, { event, replaces }]) =>
            partOf(chain, event, { item, partition: 0, replaces }),
          )
          const frame = eventsOf(decoder.decode(frames.frame(parts)))
          const counts = [...newest.values()].map(({ replaces }) => replaces)
          expect(counts.map((_, index) => frame.replaced.get(index) ?? 0)).toEqual(counts)
          expect(frame.events.map(seen)).toEqual([...newest.values()].map(({ event }) => seen(event)))
        }
      }),
      { numRuns: 100 },
    )
  })

  test('has an absolute record for one receiver and a change for another, and both go on alike', () => {
    fc.assert(
      fc.property(fc.array(anyBusyEvent, { minLength: 2, maxLength: 30, size: 'max' }), events => {
        const numbers = new ItemNumbers()
        const encoder = new TapeEncoder()
        const frames = new FrameMaker([0])
        const late = new TapeDecoder()
        late.decode(frames.opening())
        const met = new Set<number>()
        for (const event of events.filter(({ T }) => T !== 'n')) {
          const item = numbers.of(event)
          const change = partOf(encoder, event, { item, partition: 0 })
          const absolute = new TapeWriter()
          const isJson = change.bytes[0] === 3
          const part =
            met.has(item) || isJson || !encoder.absolute(item, absolute)
              ? change
              : { ...change, bytes: absolute.written }
          if (!isJson) met.add(item)
          expect(eventsOf(late.decode(frames.frame([part]))).events).toEqual([seen(event)])
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** A shared chain, and receivers of it. */
class SessionFixture {
  readonly #numbers = new ItemNumbers()
  readonly #encoder = new TapeEncoder()
  readonly #positions: number[]

  constructor(begins: readonly number[]) {
    this.#positions = [...begins]
  }

  /** Encodes each event once. */
  take({
    entries,
    beyond,
  }: {
    readonly entries: readonly Entry[]
    readonly beyond: readonly [number, number][]
  }) {
    const parts = entries.map(({ event, moves }) => {
      const item = this.#numbers.of(event)
      return partOf(this.#encoder, event, { item, partition: (item + moves) % partitions })
    })
    for (const { partition } of parts) this.#positions[partition]! += 1
    const extra = new Map(beyond)
    for (const [partition, length] of extra) this.#positions[partition]! += length
    return { parts, events: entries.map(({ event }) => event), beyond: extra }
  }

  /** A receiver that joins now gets the positions of partitions, and a base of every item. */
  receiver(): Receiver {
    return new Receiver(this.#positions, this.#bases(new TapeWriter()))
  }

  /** The same connection, made to forget what it knows. */
  rejoin(receiver: Receiver): Receiver {
    const records = new TapeWriter()
    writeReset(records)
    receiver.open(this.#positions, this.#bases(records))
    return receiver
  }

  #bases(out: TapeWriter): TapeWriter {
    for (const item of this.#numbers.all) this.#encoder.base(item, out)
    return out
  }
}

class Receiver {
  readonly #decoder = new TapeDecoder()
  #frames: FrameMaker

  constructor(positions: readonly number[], bases: TapeWriter) {
    this.#frames = new FrameMaker(positions)
    this.open(positions, bases)
  }

  open(positions: readonly number[], records: TapeWriter): void {
    this.#frames = new FrameMaker(positions)
    const { events, ranges } = eventsOf(this.#decoder.decode(this.#frames.opening(records)))
    if (events.length + ranges.length > 0) throw new Error('a base was taken for an event')
  }

  read(parts: readonly Part[], beyond: ReadonlyMap<number, number>): unknown[] {
    const before = [...this.#frames.reached]
    const { events, ranges } = eventsOf(this.#decoder.decode(this.#frames.frame(parts, beyond)))
    for (const { partition, from, to } of ranges) {
      if (from !== before[partition]) throw new Error(`partition ${partition} goes on at ${from}`)
      before[partition] = to
    }
    if (before.join() !== this.#frames.reached.join())
      throw new Error(`${before.join()}: not everything is covered`)
    return events.map(seen)
  }
}

function eventsOf(frame: TapeFrame): Extract<TapeFrame, { kind: 'events' }> {
  if (frame.kind !== 'events') throw new Error('a frame of events was expected')
  return frame
}
