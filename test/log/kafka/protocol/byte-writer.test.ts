import { expect, test } from 'vitest'
import { ByteWriter } from '../../../../src/log/kafka/protocol/byte-writer.ts'

// Cause: `this.#bytes.writeInt32BE(value, this.#grow(4))` took the buffer before it grew.
// Symptom: a fetch of more than some 16 partitions was never sent ("offset" out of range), so nothing was
// read.
// Seen: end to end with the five default topics of four partitions each.
test.each([1, 2, 3, 5, 8])('writes whole values across a growth, from %i bytes on', initialBytes => {
  const writer = new ByteWriter(initialBytes)
  for (let count = 0; count < 10; count++)
    writer
      .int8(count)
      .int32(-1 - count)
      .int64(2 ** 40 + count)
      .uvarint(300 + count)
  const { bytes } = writer
  for (let count = 0; count < 10; count++) {
    const at = count * 15
    expect(bytes.readInt8(at)).toBe(count)
    expect(bytes.readInt32BE(at + 1)).toBe(-1 - count)
    expect(bytes.readBigInt64BE(at + 5)).toBe(BigInt(2 ** 40 + count))
    expect((bytes[at + 13]! & 0x7f) | (bytes[at + 14]! << 7)).toBe(300 + count)
  }
})
