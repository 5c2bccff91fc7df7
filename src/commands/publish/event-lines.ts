import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { MarketEvent } from '../../event/event.ts'
import { EventFault, parseEvent, unknownFields } from '../../event/parse-event.ts'

/** One line of a file. */
export interface FileLine {
  /** 1 is the first. */
  readonly number: number
  /** Without its line feed; `undefined`: longer than the limit, and not kept. */
  readonly bytes: Buffer | undefined
  /** How many bytes of the text end with this line. */
  readonly end: number
}

const lineFeed = 0x0a

/** Cuts chunks of text into lines, of which it keeps at most one unfinished, and no more of that than the limit. */
export class LineSplitter {
  readonly #maxBytes: number
  #number = 0
  #end = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that end in this chunk. They are views of it where they lie in it whole. */
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

  /** What follows the last line feed, if anything does. */
  rest(): readonly FileLine[] {
    return this.#pieceBytes === 0 ? [] : [this.#finish(Buffer.alloc(0), 0)]
  }

  #keep(piece: Buffer): void {
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > this.#maxBytes) this.#pieces = []
    // Copied, or the piece would keep its whole chunk.
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

/** Why a line is no event. */
export interface LineFault {
  /** The field and the rule, from a small set: for counting. */
  readonly rule: string
  /** The rule with the value, cut short. */
  readonly message: string
}

/** What a line holds: an event, nothing at all, or something that cannot be published. */
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

/** Longer than an event with all its white space and fields of its own needs to be. */
export const maxLineBytes = 4_194_304

/** Reads one line as an event of at most so many bytes, as the log will hold it. */
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
    ? bad(`event: larger than TICKER_MAX_EVENT_BYTES=${maxEventBytes}, which a gateway passes over`)
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
