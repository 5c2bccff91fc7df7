const initialBytes = 4096
/** The most bytes of a number: eight times seven bits hold 2^53. */
const maxNumberBytes = 8
/** Smaller numbers fit into 32 bits with their tag. */
const smallMagnitude = 2 ** 24
const firstPrintable = 0x20
const lastPrintable = 0x7e
const longText = 0xff
const textHead = 0x80

/** Writes the units of PROTOCOL.md §10 into bytes that grow. */
export class TapeWriter {
  bytes = new Uint8Array(initialBytes)
  length = 0
  readonly #encoder = new TextEncoder()

  /** The written bytes: a view that is valid until more is written. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  byte(value: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = value
  }

  /**
   * Writes a whole number from 0 to 2^53 - 1: seven bits a byte, the lowest first; all bytes but the last
   * have the highest bit set.
   */
  number(value: number): void {
    if (value < 128) {
      this.byte(value)
      return
    }
    this.#reserve(maxNumberBytes)
    let rest = value
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.bytes[this.length++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) this.bytes[this.length++] = (rest & 127) | 128
    this.bytes[this.length++] = rest
  }

  /** Writes a whole number with a sign: twice its magnitude, plus 1 if it is negative. */
  signed(value: number): void {
    const isNegative = value < 0
    this.#tagged(isNegative ? -value : value, isNegative ? 1 : 0, 1)
  }

  /**
   * Writes the change of a size: four times its magnitude, plus 1 if it is negative, plus 2 if it is in
   * hundreds.
   */
  sizeChange(value: number): void {
    const magnitude = Math.abs(value)
    const sign = value < 0 ? 1 : 0
    if (magnitude % 100 === 0) this.#tagged(magnitude / 100, sign + 2, 2)
    else this.#tagged(magnitude, sign, 2)
  }

  /**
   * Writes a well-formed text: one printable ASCII character as it is, any other as its length and its UTF-8.
   */
  text(text: string): void {
    if (isOneByte(text)) {
      this.byte(text.charCodeAt(0))
      return
    }
    // A UTF-16 unit takes at most three bytes in UTF-8.
    this.#reserve(text.length * 3 + 1 + maxNumberBytes)
    const start = this.length
    const { written } = this.#encoder.encodeInto(text, this.bytes.subarray(start + 1))
    if (written < longText - textHead) {
      this.bytes[start] = textHead + written
      this.length = start + 1 + written
      return
    }
    this.bytes[start] = longText
    this.length = start + 1
    this.number(written)
    this.#encoder.encodeInto(text, this.bytes.subarray(this.length))
    this.length += written
  }

  /**
   * Writes a list of texts: a single one of one byte as it is, any other as their number and each of them.
   */
  texts(texts: readonly string[]): void {
    const [first] = texts
    if (first === undefined || texts.length > 1 || !isOneByte(first)) this.byte(textHead + texts.length)
    for (const text of texts) this.text(text)
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Writes the number `magnitude * 2^tagBits + tag`, which may exceed 2^53. */
  #tagged(magnitude: number, tag: number, tagBits: number): void {
    if (magnitude < smallMagnitude) {
      this.number((magnitude << tagBits) | tag)
      return
    }
    const inFirst = 128 >> tagBits
    this.byte(((magnitude % inFirst) << tagBits) | tag | 128)
    this.number(Math.floor(magnitude / inFirst))
  }

  #reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const longer = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    longer.set(this.written)
    this.bytes = longer
  }
}

function isOneByte(text: string): boolean {
  if (text.length !== 1) return false
  const code = text.charCodeAt(0)
  return code >= firstPrintable && code <= lastPrintable
}
