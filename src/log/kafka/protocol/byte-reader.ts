import { MalformedError } from '../kafka-error.ts'

const pow2to32 = 2 ** 32

/**
 * Reads the types of Kafka's protocol (https://kafka.apache.org/protocol#protocol_types) from a buffer, one
 * after the other. Throws a `MalformedError` instead of reading past the end. Byte fields are views of the
 * buffer.
 */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** The index of the next byte. */
  get at(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1))
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4))
  }

  /** INT64, as the nearest number. Offsets and times are exact, since they stay below 2^53. */
  int64(): number {
    const at = this.#advance(8)
    return this.#bytes.readInt32BE(at) * pow2to32 + this.#bytes.readUInt32BE(at + 4)
  }

  bigInt64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8))
  }

  /** UNSIGNED_VARINT, of at most 32 bits in 5 bytes. */
  uvarint(): number {
    let byte = this.#byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedError('a varint of more than 5 bytes')
  }

  /** VARINT (zigzag). */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** VARLONG (zigzag), of at most 10 bytes, as the nearest number. */
  varlong(): number {
    let byte = this.#byte()
    const isNegative = (byte & 1) === 1
    let value = (byte & 0x7f) >>> 1
    for (let scale = 64; byte >= 0x80; scale *= 128) {
      if (scale > 2 ** 62) throw new MalformedError('a varlong of more than 10 bytes')
      byte = this.#byte()
      value += (byte & 0x7f) * scale
    }
    return isNegative ? -value - 1 : value
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Buffer {
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  skip(length: number): void {
    this.#advance(length)
  }

  /** COMPACT_NULLABLE_BYTES and COMPACT_RECORDS. */
  compactBytes(): Buffer | null {
    const length = this.uvarint()
    return length === 0 ? null : this.bytes(length - 1)
  }

  /** COMPACT_NULLABLE_STRING. */
  compactString(): string | null {
    return this.compactBytes()?.toString('utf8') ?? null
  }

  /** COMPACT_ARRAY. A null array is read as an empty one. Every element takes at least one byte. */
  compactArray<Element>(readElement: (reader: ByteReader) => Element): Element[] {
    const count = this.uvarint() - 1
    if (count > this.remaining) {
      throw new MalformedError(`an array of ${count} elements in ${this.remaining} bytes`)
    }
    const elements: Element[] = []
    for (let index = 0; index < count; index += 1) elements.push(readElement(this))
    return elements
  }

  /** Skips the tagged fields that end every flexible structure (KIP-482). */
  skipTags(): void {
    this.tag(Number.NaN)
  }

  /** Reads the tagged fields that end a flexible structure. Returns the bytes of one of them, if present. */
  tag(wanted: number): Buffer | undefined {
    let found: Buffer | undefined
    for (let count = this.uvarint(); count > 0; count -= 1) {
      const tag = this.uvarint()
      const field = this.bytes(this.uvarint())
      if (tag === wanted) found = field
    }
    return found
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new MalformedError(`ends after ${this.#at} bytes, inside a number`)
    this.#at += 1
    return byte
  }

  #advance(length: number): number {
    const at = this.#at
    if (length < 0 || length > this.#bytes.length - at) {
      throw new MalformedError(`a field of ${length} bytes with ${this.remaining} left`)
    }
    this.#at = at + length
    return at
  }
}
