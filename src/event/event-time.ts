import type { MarketEvent } from './event.ts'
import { isLeapSecond } from './time.ts'

const quote = 0x22
const comma = 0x2c
const openBrace = 0x7b
const timeKey = Buffer.from('"t":"')
/** With three fraction digits and `Z`, at which whole milliseconds end. */
const millisecondLength = 24

/**
 * When an event happened, in ms since 1970: of news, when it was last updated; of a bar, when it began. A
 * part of a millisecond counts as a whole one.
 */
export function eventTimeMs(event: MarketEvent): number {
  return timeMs(event.T === 'n' ? (event.updated_at ?? event.created_at) : event.t)
}

/**
 * The time in the field `t` of an event in JSON, in ms since 1970; `undefined` if only parsing can tell.
 * Takes a fraction of the time of parsing. The result is right if the text is a valid event.
 */
export function peekTimeMs(json: Buffer): number | undefined {
  const at = json.indexOf(timeKey)
  // Within a text, every quotation mark has a backslash before it.
  const before = json[at - 1]
  if (at < 0 || (before !== comma && before !== openBrace)) return undefined
  const start = at + timeKey.length
  const end = json.indexOf(quote, start)
  const ms = timeMs(json.toString('latin1', start, end < 0 ? start : end))
  return Number.isNaN(ms) ? undefined : ms
}

function timeMs(time: string): number {
  // The second after the leap second begins when the leap second does, in seconds since 1970.
  if (isLeapSecond(time)) return Date.parse(`${time.slice(0, 17)}59${time.slice(19)}`) + 1000
  return Date.parse(time) + (time.length > millisecondLength ? 1 : 0)
}
