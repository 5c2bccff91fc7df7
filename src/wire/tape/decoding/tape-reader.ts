import { TickerError } from '../../../diagnostics/ticker-error.ts'

/** The most bytes of a text: 2,048 characters of at most three bytes. */
const maxTextBytes = 6144
const maxTexts = 16
const maxNumberBytes = 8
const firstPrintable = 0x20
const lastPrintable = 0x7e
const longText = 0xff
const textHead = 0x80
const oneByteTexts = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))

/**
 * The bytes are not `ticker.v1.tape` (PROTOCOL.md §10), or do not follow on those before them. The decoder
 * that threw it is of no further use: connect anew and resume.
 */
export class TapeError extends TickerError {
  readonly code = 'TICKER_TAPE'
}

/**
 * Reads the units of PROTOCOL.md §10 from left to right. Throws a `TapeError` rather than reading past the
 * end.
 */
export class TapeReader {
  at = 0
  #bytes: Uint8Array = new Uint8Array(0)
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.at = 0
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.at]
    if (value === undefined) throw new TapeError(`the frame ends at byte ${this.at} within a record`)
    this.at++
    return value
  }

  number(): number {
    const first = this.byte()
    return first < 128 ? first : this.#longNumber(first, maxNumberBytes)
  }

  /** Reads a number below `end`. `what` names it in the error. */
  numberBelow(end: number, what: string): number {
    const value = this.number()
    if (value >= end) throw new TapeError(`${what} ${value}: expected less than ${end}`)
    return value
  }

  signed(): number {
    const first = this.byte()
    const magnitude = this.#magnitude(first, 1)
    return (first & 1) === 1 ? 0 - magnitude : magnitude
  }

  sizeChange(): number {
    const first = this.byte()
    const magnitude = this.#magnitude(first, 2) * ((first & 2) === 2 ? 100 : 1)
    return (first & 1) === 1 ? 0 - magnitude : magnitude
  }

  text(): string {
    const head = this.byte()
    if (head >= firstPrintable && head <= lastPrintable) return oneByteTexts[head] ?? ''
    if (head < textHead) throw new TapeError(`${head}: expected the beginning of a text`)
    const length = head === longText ? this.numberBelow(maxTextBytes + 1, 'a text of bytes') : head - textHead
    return this.utf8(length)
  }

  texts(): readonly string[] {
    const head = this.byte()
    if (head >= firstPrintable && head <= lastPrintable) return Object.freeze([oneByteTexts[head] ?? ''])
    const count = head - textHead
    if (count < 0 || count > maxTexts) throw new TapeError(`${head}: expected the beginning of a list`)
    return Object.freeze(Array.from({ length: count }, () => this.text()))
  }

  /** Reads so many bytes of UTF-8. */
  utf8(length: number): string {
    const end = this.at + length
    if (end > this.#bytes.length) throw new TapeError(`a text of ${length} bytes ends after the frame`)
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    try {
      return this.#decoder.decode(bytes)
    } catch (cause) {
      throw new TapeError(`a text of ${length} bytes is not UTF-8`, { cause })
    }
  }

  #magnitude(first: number, tagBits: number): number {
    const low = (first & 127) >> tagBits
    if (first < 128) return low
    const next = this.byte()
    const high = next < 128 ? next : this.#longNumber(next, maxNumberBytes - 1)
    const magnitude = low + high * (128 >> tagBits)
    if (magnitude > Number.MAX_SAFE_INTEGER) throw tooLarge()
    return magnitude
  }

  #longNumber(first: number, maxBytes: number): number {
    let value = first & 127
    let unit = 128
    for (let count = 1; count < maxBytes; count++) {
      const next = this.byte()
      value += (next & 127) * unit
      if (next < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw tooLarge()
        return value
      }
      unit *= 128
    }
    throw tooLarge()
  }
}

function tooLarge(): TapeError {
  return new TapeError('a number is larger than 2^53 - 1, or longer than 8 bytes')
}
