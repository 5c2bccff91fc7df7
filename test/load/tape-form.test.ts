import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultForm, formNamed } from '../../load/forms.ts'
import { makeBatches, sameItems } from '../../load/delivery/workload.ts'
import { TapeWriter } from '../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../src/wire/tape/encoding/tape-encoder.ts'
import { writeReset } from '../../src/wire/tape/encoding/tape-frame.ts'
import { anyBusyEvent } from '../wire/tape/any-event.ts'
import { FrameMaker, ItemNumbers, partOf } from '../wire/tape/tape-fixture.ts'

const form = formNamed('ticker.v1.tape')
const entry = fc.record({ event: anyBusyEvent, replaces: fc.oneof(fc.constant(0), fc.nat(300)) })
const batches = fc.array(fc.array(entry, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 20 })

describe('the counter of the tape form', () => {
  test('counts the trades, whatever else the frames hold', () => {
    fc.assert(
      fc.property(batches, fc.nat(5), (all, beyond) => {
        const [numbers, encoder, frames] = [new ItemNumbers(), new TapeEncoder(), new FrameMaker([0])]
        const count = form.createCounter()
        for (const entries of all) {
          const parts = entries.map(({ event, replaces }) =>
            partOf(encoder, event, { item: numbers.of(event), partition: 0, replaces }),
          )
          const trades = entries.filter(({ event }) => event.T === 't').length
          expect(count(Buffer.from(frames.frame(parts, new Map([[0, beyond]]))))).toBe(trades)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('counts no bases, no messages, and forgets items at a reset', () => {
    const [event] = makeBatches(sameItems(1), 1, 1).flat()
    const encoder = new TapeEncoder()
    const trade = JSON.parse(event!.text)
    const count = form.createCounter()
    const absolute = partOf(encoder, trade, { item: 3, partition: 0 })
    const frames = new FrameMaker([0])
    const bases = new TapeWriter()
    writeReset(bases)
    encoder.base(3, bases)
    expect(count(Buffer.from(frames.opening(bases)))).toBe(0)
    expect(count(Buffer.from(`[${event!.text}]`))).toBe(0)
    expect(count(Buffer.from(frames.frame([partOf(encoder, trade, { item: 3, partition: 0 })])))).toBe(1)
    expect(count(Buffer.from(frames.frame([absolute])))).toBe(1)
    const reset = new TapeWriter()
    writeReset(reset)
    count(Buffer.from(frames.opening(reset)))
    expect(() => count(Buffer.from([0x80, 0x0b, 0x00]))).toThrow('item 3 changes, and was never told')
  })
})

describe('the floor of a wire form', () => {
  test('writes frames in the tape form that a decoder reads whole, with what they cover', () => {
    const workload = sameItems(1)
    const maker = form.createFrames()
    const decoder = new TapeDecoder()
    decoder.decode(payloadOf(maker.opening()!))
    for (const [index, batch] of makeBatches(workload, 50, 4).entries()) {
      const frame = decoder.decode(payloadOf(maker.take(batch)([0, 1, 2, 3])))
      expect(frame).toMatchObject({
        events: batch.map(({ text }) => JSON.parse(text)),
        ranges: [{ partition: 0, from: index * 4, to: index * 4 + 4 }],
      })
    }
  })

  test.each([defaultForm, 'ticker.v1.tape'])('holds as many trades as were asked for in %s', name => {
    const { createCounter, createFrames } = formNamed(name)
    const [maker, count] = [createFrames(), createCounter()]
    const opening = maker.opening()
    if (opening !== undefined) expect(count(payloadOf(opening))).toBe(0)
    for (const batch of makeBatches(sameItems(1), 20, 16)) {
      const frameOf = maker.take(batch)
      expect(count(payloadOf(frameOf(batch.map((_, index) => index))))).toBe(16)
    }
  })
})

/** Of an unmasked frame. */
function payloadOf(frame: Buffer): Buffer {
  return frame.subarray((frame[1] ?? 0) < 126 ? 2 : 4)
}
