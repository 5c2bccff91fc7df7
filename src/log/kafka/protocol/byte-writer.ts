/** Writes the types of Kafka's protocol, one after the other, into a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(initialBytes = 512) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  /** A view of the bytes written so far. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  int8(value: number): this {
    const at = this.#grow(1)
    this.#bytes.writeInt8(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#grow(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  int64(value: number): this {
    const at = this.#grow(8)
    this.#bytes.writeBigInt64BE(BigInt(value), at)
    return this
  }

  /** UNSIGNED_VARINT. */
  uvarint(value: number): this {
    let rest = value
    while (rest > 0x7f) {
      const at = this.#grow(1)
      this.#bytes.writeUInt8((rest & 0x7f) | 0x80, at)
      rest >>>= 7
    }
    const at = this.#grow(1)
    this.#bytes.writeUInt8(rest, at)
    return this
  }

  raw(value: Buffer): this {
    const at = this.#grow(value.length)
    value.copy(this.#bytes, at)
    return this
  }

  /** COMPACT_STRING. */
  compactString(value: string): this {
    const bytes = Buffer.from(value, 'utf8')
    return this.uvarint(bytes.length + 1).raw(bytes)
  }

  /** COMPACT_ARRAY. */
  compactArray<Element>(elements: readonly Element[], writeElement: (element: Element) => void): this {
    this.uvarint(elements.length + 1)
    for (const element of elements) writeElement(element)
    return this
  }

  /** Ends a flexible structure without tagged fields (KIP-482). */
  noTags(): this {
    return this.uvarint(0)
  }

  #grow(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
