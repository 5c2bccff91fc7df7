import { type Grant, entitles, entitlesChannel } from '../../auth/grant.ts'
import { shorten } from '../../diagnostics/show-value.ts'
import { type MarketEvent, channelOfType } from '../../event/event.ts'
import { EventFault, parseEvent, unknownFields } from '../../event/parse-event.ts'
import { Refusal } from '../answer.ts'
import type { PostedValues } from './posted-values.ts'

/** What of an event is not published as it was sent. */
export interface Warning {
  /** Of the event in its request, from 0. */
  readonly index: number
  /** Fields that the schema does not know, and that were dropped. */
  readonly unknown?: readonly string[]
  /** Values that were mended: the fields, and what they lost. */
  readonly repaired?: readonly string[]
}

/** Events of a request, all of them valid. */
export interface CheckedEvents {
  readonly events: readonly MarketEvent[]
  readonly warnings: readonly Warning[]
}

/** What is wrong with an event of a request. */
interface EventProblem {
  readonly index: number
  readonly error: string
}

/** An answer names at most so many events, and of an event so many fields. */
const namedEvents = 20
const namedFields = 10
/**
 * The most bytes of JSON that a byte of a body can become: a control character in a MessagePack text, as `\u0001`. So the events
 * of a short body need not be measured.
 */
const growth = 6

/** Checks every event of a request; 422 with what is wrong where one is bad. */
export function checkEvents({ values, bytes }: PostedValues, maxEventBytes: number): CheckedEvents | Refusal {
  const events: MarketEvent[] = []
  const problems: EventProblem[] = []
  const warnings: Warning[] = []
  const mayBeLong = bytes * growth > maxEventBytes
  for (const [index, value] of values.entries()) {
    const repaired: string[] = []
    const event = parseEvent(value, ({ field, message }) => repaired.push(`${field}: ${message}`))
    if (event instanceof EventFault) {
      problems.push({ index, error: event.message })
    } else if (mayBeLong && Buffer.byteLength(JSON.stringify(event)) > maxEventBytes) {
      problems.push({ index, error: `too long: expected at most ${maxEventBytes} bytes as JSON` })
    } else {
      events.push(event)
      if (event !== value && warnings.length < namedEvents) warn(warnings, { index, value, repaired })
    }
  }
  return problems.length === 0 ? { events, warnings } : refuseEvents(422, problems, values.length)
}

/** Where the token does not entitle to every event: 403 with the items. */
export function findUnentitled(grant: Grant, events: readonly MarketEvent[]): Refusal | undefined {
  const problems: EventProblem[] = []
  for (const [index, event] of events.entries()) {
    const item = unentitledItem(grant, event)
    if (item !== undefined) problems.push({ index, error: `${item}: the token does not entitle to it` })
  }
  return problems.length === 0 ? undefined : refuseEvents(403, problems, events.length)
}

interface Altered {
  readonly index: number
  readonly value: unknown
  readonly repaired: readonly string[]
}

/** A copy may also come of an optional field that was null, which is no reason for a warning. */
function warn(warnings: Warning[], { index, value, repaired }: Altered): void {
  const unknown = unknownFields(value)
    .slice(0, namedFields)
    .map(name => shorten(name, 63).toWellFormed())
  if (unknown.length === 0 && repaired.length === 0) return
  warnings.push({
    index,
    ...(unknown.length === 0 ? {} : { unknown }),
    ...(repaired.length === 0 ? {} : { repaired }),
  })
}

const faultsInWords = { 403: 'not entitled to', 422: 'not valid' } as const

function refuseEvents(status: 403 | 422, problems: readonly EventProblem[], count: number): Refusal {
  const what = faultsInWords[status]
  return new Refusal(status, `nothing was published: ${problems.length} of ${count} events are ${what}`, {
    members: { total: problems.length, events: problems.slice(0, namedEvents) },
  })
}

/**
 * The first item of an event that a grant does not entitle to, as `quotes/TSLA`; `undefined` where it entitles to all. News
 * belongs to every one of its symbols, and with none to `*`, for which the grant must allow every symbol.
 */
function unentitledItem(grant: Grant, event: MarketEvent): string | undefined {
  const channel = channelOfType[event.T]
  const symbols = event.T === 'n' ? event.symbols : [event.S]
  if (!entitlesChannel(grant, channel)) return `${channel}/${symbols[0] ?? '*'}`
  if (grant.symbols === '*') return undefined
  const symbol = symbols.length === 0 ? '*' : symbols.find(each => !entitles(grant.symbols, each))
  return symbol === undefined ? undefined : `${channel}/${symbol}`
}
