import { describe, expect, test } from 'vitest'
import { defaultForm, frameReadingOf } from '../../load/clients/wire-forms.ts'
import { createFloorFrames } from '../../load/scenarios/delivery/peers/floor-frames.ts'
import { makeBatches, sameItems } from '../../load/scenarios/delivery/workload.ts'
import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'

describe('the floor of a wire form', () => {
  test('writes frames in the tape form that a decoder reads whole, with what they cover', () => {
    const workload = sameItems(1)
    const maker = createFloorFrames('ticker.v1.tape')
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
    const [maker, read] = [createFloorFrames(name), frameReadingOf(name)]
    const opening = maker.opening()
    if (opening !== undefined) expect(read(payloadOf(opening))).toBe(0)
    for (const batch of makeBatches(sameItems(1), 20, 16)) {
      const frameOf = maker.take(batch)
      expect(read(payloadOf(frameOf(batch.map((_, index) => index))))).toBe(16)
    }
  })
})

/** Of an unmasked frame. */
function payloadOf(frame: Buffer): Buffer {
  return frame.subarray((frame[1] ?? 0) < 126 ? 2 : 4)
}
