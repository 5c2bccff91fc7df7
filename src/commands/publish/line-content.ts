import { isUtf8 } from 'node:buffer'
import type { MarketEvent } from '../../event/event.ts'
import { EventFault, parseEvent, unknownFields } from '../../event/parse-event.ts'
import { messageOf } from '../../ticker-error.ts'
import type { Line } from './line-splitter.ts'

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
export function readLine(line: Line, maxEventBytes: number): LineContent {
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
