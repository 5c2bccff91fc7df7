import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { MarketEvent } from '../../event/event.ts'
import { EventFault, parseEvent, unknownFields } from '../../event/parse-event.ts'

/** One line of a file. */
export interface FileLine {
  /** 1 is the first. */
  readonly number: number
  /** Without the line feed; `undefined`: longer than the limit, and not kept. */
  readonly bytes: Buffer | undefined
  /** The position of the line's end in the text, in bytes. */
  readonly end: number
}

const lineFeed = 0x0a

/**
 * Splits chunks of text into lines. Keeps one unfinished line at most, and no more of it than the limit.
 *
 * split2 does not do: it yields strings, in which invalid UTF-8 is replaced rather than found, skips long
 * lines without counting them, and has no positions.
 */
export class LineSplitter {
  readonly #maxBytes: number
  #number = 0
  #end = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Returns the lines that end in this chunk. A line that lies in it whole is a view of it. */
  split(chunk: Buffer): readonly FileLine[] {
    const lines: FileLine[] = []
    let start = 0
    for (;;) {
      const feed = chunk.indexOf(lineFeed, start)
      if (feed === -1) break
      lines.push(this.#finish(chunk.subarray(start, feed), 1))
      start = feed + 1
    }
    this.#keep(chunk.subarray(start))
    return lines
  }

  /** Returns the text after the last line feed, if there is any. */
  rest(): readonly FileLine[] {
    return this.#pieceBytes === 0 ? [] : [this.#finish(Buffer.alloc(0), 0)]
  }

  #keep(piece: Buffer): void {
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > this.#maxBytes) this.#pieces = []
    // A view would keep the whole chunk in memory.
    else if (piece.length > 0) this.#pieces.push(Buffer.from(piece))
  }

  #finish(last: Buffer, feedBytes: number): FileLine {
    const size = this.#pieceBytes + last.length
    this.#number += 1
    this.#end += size + feedBytes
    const line = { number: this.#number, bytes: this.#join(last, size), end: this.#end }
    this.#pieces = []
    this.#pieceBytes = 0
    return line
  }

  #join(last: Buffer, size: number): Buffer | undefined {
    if (size > this.#maxBytes) return undefined
    return this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last], size)
  }
}

/** Why a line is not an event. */
export interface LineFault {
  /** The field and the rule, for counting; from a small set. */
  readonly rule: string
  /** The rule with the value, shortened. */
  readonly message: string
}

/** The content of a line: an event, nothing, or something that cannot be published. */
export type LineContent =
  | {
      readonly kind: 'event'
      readonly event: MarketEvent
      readonly unknown: readonly string[]
      readonly repaired: readonly string[]
    }
  | { readonly kind: 'blank' }
  | { readonly kind: 'bad'; readonly fault: LineFault }

const blank: LineContent = { kind: 'blank' }
const none: readonly string[] = []
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** Longer than an event with its white space and unknown fields needs to be. */
export const maxLineBytes = 4_194_304

/** Parses one line as an event of at most `maxEventBytes`, measured as the log will store it. */
export function readLine(line: FileLine, maxEventBytes: number): LineContent {
  const bytes = line.number === 1 ? withoutMark(line.bytes) : line.bytes
  if (bytes === undefined) return bad(`longer than ${maxLineBytes} bytes`)
  if (!isUtf8(bytes)) return bad('not UTF-8')
  const text = bytes.toString('utf8')
  if (text.trim() === '') return blank
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return bad('not JSON', `not JSON: ${messageOf(error)}`)
  }
  const repaired: string[] = []
  const event = parseEvent(value, ({ field, message }) => repaired.push(`${field}: ${message}`))
  if (event instanceof EventFault) return { kind: 'bad', fault: event }
  return isLarge(event, bytes, maxEventBytes)
    ? bad(`event: larger than TICKER_MAX_EVENT_BYTES=${maxEventBytes}, which a gateway skips`)
    : { kind: 'event', event, unknown: event === value ? none : unknownFields(value), repaired }
}

/** Numbers can be longer in the log than in the file (1e15), but not by half of a large event. */
function isLarge(event: MarketEvent, bytes: Buffer, maxEventBytes: number): boolean {
  return bytes.length > maxEventBytes / 2 && Buffer.byteLength(JSON.stringify(event)) > maxEventBytes
}

function withoutMark(bytes: Buffer | undefined): Buffer | undefined {
  return bytes?.subarray(0, 3).equals(byteOrderMark) === true ? bytes.subarray(3) : bytes
}

function bad(rule: string, message: string = rule): LineContent {
  return { kind: 'bad', fault: { rule, message } }
}
