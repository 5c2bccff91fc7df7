import { type Grant, entitles, entitlesChannel } from '../../auth/grant.ts'
import { shorten } from '../../diagnostics/show-value.ts'
import { type MarketEvent, channelOfType } from '../../event/event.ts'
import { EventFault, parseEvent, unknownFields } from '../../event/parse-event.ts'
import { Refusal } from '../answer.ts'
import type { PostedValues } from './posted-values.ts'

/** How an event is published differently from how it was sent. */
export interface Warning {
  /** The event's place in its request, from 0. */
  readonly index: number
  /** Fields that were dropped, since the schema does not know them. */
  readonly unknown?: readonly string[]
  /** Fields that were repaired, each with what it lost. */
  readonly repaired?: readonly string[]
}

/** The events of a request, all valid. */
export interface CheckedEvents {
  readonly events: readonly MarketEvent[]
  readonly warnings: readonly Warning[]
}

/** A fault of one event. */
interface EventProblem {
  readonly index: number
  readonly error: string
}

/** Events that a response names at most, and fields of one event. */
const maxNamedEvents = 20
const maxNamedFields = 10
/**
 * One byte of a body becomes at most so many bytes of JSON (a control character in a MessagePack text, as
 * `\u0001`). So the events of a short body need not be measured.
 */
const maxGrowth = 6

/** Checks every event of a request; 422 with the faults if one is invalid. */
export function checkEvents({ values, bytes }: PostedValues, maxEventBytes: number): CheckedEvents | Refusal {
  const events: MarketEvent[] = []
  const problems: EventProblem[] = []
  const warnings: Warning[] = []
  const mayBeLong = bytes * maxGrowth > maxEventBytes
  for (const [index, value] of values.entries()) {
    const repaired: string[] = []
    const event = parseEvent(value, ({ field, message }) => repaired.push(`${field}: ${message}`))
    if (event instanceof EventFault) {
      problems.push({ index, error: event.message })
    } else if (mayBeLong && Buffer.byteLength(JSON.stringify(event)) > maxEventBytes) {
      problems.push({ index, error: `too long: expected at most ${maxEventBytes} bytes as JSON` })
    } else {
      events.push(event)
      if (event !== value && warnings.length < maxNamedEvents) warn(warnings, { index, value, repaired })
    }
  }
  return problems.length === 0 ? { events, warnings } : refuseEvents(422, problems, values.length)
}

/** Returns 403 with the items if the token does not allow every event. */
export function findUnentitled(grant: Grant, events: readonly MarketEvent[]): Refusal | undefined {
  const problems: EventProblem[] = []
  for (const [index, event] of events.entries()) {
    const item = unentitledItem(grant, event)
    if (item !== undefined) problems.push({ index, error: `${item}: the token does not allow it` })
  }
  return problems.length === 0 ? undefined : refuseEvents(403, problems, events.length)
}

interface Altered {
  readonly index: number
  readonly value: unknown
  readonly repaired: readonly string[]
}

/** An event is also copied for an optional field that was null; that is not worth a warning. */
function warn(warnings: Warning[], { index, value, repaired }: Altered): void {
  const unknown = unknownFields(value)
    .slice(0, maxNamedFields)
    .map(name => shorten(name, 63).toWellFormed())
  if (unknown.length === 0 && repaired.length === 0) return
  warnings.push({
    index,
    ...(unknown.length === 0 ? {} : { unknown }),
    ...(repaired.length === 0 ? {} : { repaired }),
  })
}

const faultWords = { 403: 'not entitled to', 422: 'not valid' } as const

function refuseEvents(status: 403 | 422, problems: readonly EventProblem[], count: number): Refusal {
  const what = faultWords[status]
  return new Refusal(status, `nothing was published: ${problems.length} of ${count} events are ${what}`, {
    members: { total: problems.length, events: problems.slice(0, maxNamedEvents) },
  })
}

/**
 * Returns the first item of an event that a grant does not allow, such as `quotes/TSLA`. News belongs to
 * each of its symbols; news without symbols belongs to `*`, for which the grant must allow every symbol.
 */
function unentitledItem(grant: Grant, event: MarketEvent): string | undefined {
  const channel = channelOfType[event.T]
  const symbols = event.T === 'n' ? event.symbols : [event.S]
  if (!entitlesChannel(grant, channel)) return `${channel}/${symbols[0] ?? '*'}`
  if (grant.symbols === '*') return undefined
  const symbol = symbols.length === 0 ? '*' : symbols.find(each => !entitles(grant.symbols, each))
  return symbol === undefined ? undefined : `${channel}/${symbol}`
}
