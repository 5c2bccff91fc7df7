import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeBatch,
  endMarker,
  type SampleBatch,
  type SampleRecord,
  sampleRecords,
  seal,
} from '../batch-encoder.ts'
import { readSet } from '../record-set.ts'

const nullableBytes = fc.option(fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)))
const header = fc.record(
  { name: fc.string({ maxLength: 8, unit: 'grapheme' }), value: nullableBytes },
  { noNullPrototype: true },
)

const records: fc.Arbitrary<SampleRecord[]> = fc
  .array(
    fc.record({
      gap: fc.nat(5),
      timestampDelta: fc.maxSafeInteger(),
      key: nullableBytes,
      value: nullableBytes,
      headers: fc.array(header, { maxLength: 3 }),
    }),
    { maxLength: 30 },
  )
  .map(drafts => {
    let next = 0
    return drafts.map(({ gap, ...rest }) => {
      const offsetDelta = next + gap
      next = offsetDelta + 1
      return { ...rest, offsetDelta }
    })
  })

/** Batches that follow each other, with holes between and within. */
const batches: fc.Arbitrary<SampleBatch[]> = fc
  .array(fc.record({ hole: fc.nat(3), tail: fc.nat(3), records, codec: fc.constantFrom(0, 0, 1, 2, 3, 4) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map(drafts => {
    let baseOffset = 0
    return drafts.map(({ hole, tail, ...rest }) => {
      const lastOffsetDelta = (rest.records.at(-1)?.offsetDelta ?? 0) + tail
      const batch = { ...rest, baseOffset: baseOffset + hole, lastOffsetDelta }
      baseOffset = batch.baseOffset + lastOffsetDelta + 1
      return batch
    })
  })

const endOf = (batch: SampleBatch) => batch.baseOffset + (batch.lastOffsetDelta ?? 0) + 1

test('reads what was written, whatever the slices and wherever it begins', () => {
  const property = fc.property(
    batches,
    fc.nat(),
    fc.integer({ min: 1, max: 40 }),
    (written, seed, maxRecords) => {
      const position = seed % endOf(written.at(-1)!)
      const reading = readSet({ bytes: Buffer.concat(written.map(encodeBatch)), position }, maxRecords)
      const expected = written
        .flatMap(({ baseOffset, records: of }) =>
          of.map(({ offsetDelta, timestampDelta, ...rest }) => {
            return { offset: baseOffset + offsetDelta, timestampMs: timestampDelta, ...rest }
          }),
        )
        .filter(({ offset }) => offset >= position)
      assert.deepEqual(reading.records, expected)
      assert.deepEqual(reading.faults, [])
      assert.equal(reading.position, endOf(written.at(-1)!))
    },
  )
  expect(fc.assert(property, { numRuns: 300 })).toBe(undefined)
})

/** What four producers do in turn: write in a transaction, write without one, or end the transaction. */
const moves = fc.array(
  fc.record({ producerId: fc.nat(3), kind: fc.constantFrom('write', 'write', 'plain', 'abort', 'commit') }),
  { maxLength: 40 },
)

test('shows exactly what a reader of committed data may see, wherever it begins', () => {
  const property = fc.property(
    moves,
    fc.nat(),
    fc.integer({ min: 1, max: 5 }),
    (sequence, seed, maxRecords) => {
      const log = new TransactionLog()
      for (const move of sequence) log.step(move.producerId, move.kind)
      log.finish()
      const position = seed % log.next
      // A fetch returns the batch that holds the position, and the aborted transactions that reach to it.
      const bytes = Buffer.concat(log.batches.filter(batch => log.endOf(batch) > position).map(encodeBatch))
      const aborted = log.aborted.filter(({ end }) => end >= position)
      const reading = readSet({ bytes, position, aborted }, maxRecords)
      const offsets = reading.records.map(({ offset }) => offset)
      assert.deepEqual(
        offsets,
        log.visible.filter(offset => offset >= position).toSorted((a, b) => a - b),
      )
      assert.deepEqual([reading.faults, reading.position], [[], log.next])
    },
  )
  expect(fc.assert(property, { numRuns: 500 })).toBe(undefined)
})

class TransactionLog {
  readonly batches: SampleBatch[] = []
  readonly aborted: { producerId: bigint; firstOffset: number; end: number }[] = []
  readonly visible: number[] = []
  next = 0
  readonly #open = new Map<number, number[]>()

  step(producerId: number, kind: string): void {
    if (kind === 'abort' || kind === 'commit') return this.#end(producerId, kind)
    const isTransactional = kind === 'write'
    // A producer without transactions has an id of its own.
    const id = isTransactional ? producerId : producerId + 100
    const offsets = [this.next, this.next + 1]
    this.batches.push({ baseOffset: this.next, records: sampleRecords(2), producerId: id, isTransactional })
    if (isTransactional) this.#open.set(producerId, [...(this.#open.get(producerId) ?? []), ...offsets])
    else this.visible.push(...offsets)
    this.next += 2
  }

  finish(): void {
    for (const producerId of this.#open.keys()) this.#end(producerId, 'commit')
    this.step(0, 'plain')
  }

  endOf(batch: SampleBatch): number {
    return batch.baseOffset + batch.records.length
  }

  #end(producerId: number, type: 'abort' | 'commit'): void {
    const offsets = this.#open.get(producerId)
    if (offsets === undefined) return
    this.#open.delete(producerId)
    this.batches.push(endMarker(this.next, producerId, type))
    if (type === 'commit') this.visible.push(...offsets)
    else this.aborted.push({ producerId: BigInt(producerId), firstOffset: offsets[0]!, end: this.next })
    this.next += 1
  }
}

/** Damage done to bytes: a byte changed, a stretch cut out, garbage put in. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'flip', 'cut', 'insert', 'truncate'),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 6 },
)

type Damage = typeof damage extends fc.Arbitrary<infer Value> ? Value : never

function damaged(bytes: Buffer, damages: Damage): Buffer {
  return damages.reduce((from, { kind, at: seed, bytes: garbage }) => {
    const at = seed % (from.length + 1)
    if (kind === 'truncate') return from.subarray(0, at)
    const rest = kind === 'insert' ? at : at + garbage.length
    const middle = kind === 'cut' ? [] : [Buffer.from(garbage)]
    return Buffer.concat([from.subarray(0, at), ...middle, from.subarray(rest)])
  }, Buffer.from(bytes))
}

test('answers damaged bytes with records or with its one error, in bounded time', () => {
  const property = fc.property(batches, damage, fc.nat(30), (written, damages, position) => {
    const bytes = damaged(Buffer.concat(written.map(encodeBatch)), damages)
    readSet({ bytes, position, end: 200, aborted: [{ producerId: -1n, firstOffset: 3 }] })
  })
  expect(fc.assert(property, { numRuns: 2500 })).toBe(undefined)
})

test('answers damaged records under a right checksum with records or with its one error', () => {
  const property = fc.property(batches, damage, fc.nat(255), (written, damages, flags) => {
    const sealed = written.map(batch => {
      const bytes = encodeBatch(batch)
      const changed = Buffer.concat([bytes.subarray(0, 21), damaged(bytes.subarray(21), damages)])
      if (changed.length < 61) return bytes
      changed.writeInt32BE(changed.length - 12, 8)
      if (flags < 64) changed.writeUInt8(flags, 22)
      return seal(changed)
    })
    readSet({ bytes: Buffer.concat(sealed), aborted: [{ producerId: -1n, firstOffset: 0 }] })
  })
  expect(fc.assert(property, { numRuns: 2500 })).toBe(undefined)
})

test('answers noise with its one error', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, isMagic2) => {
    const bytes = Buffer.from(noise)
    if (isMagic2 && bytes.length > 16) bytes.writeInt8(2, 16)
    const reading = readSet({ bytes, end: 50 })
    assert.deepEqual(reading.records, [])
    assert.equal(reading.faults.length > 0, bytes.length > 0)
  })
  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})
