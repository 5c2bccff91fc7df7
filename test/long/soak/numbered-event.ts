import type { EventType, MarketEvent } from '../../../src/event/event.ts'

/** As `sampleTrade` counts, so that a trade is numbered in the same way wherever it comes from. */
const base = 2 ** 40

/** For each type a field that takes any number; of a status it is a text. */
const numberField = {
  t: 'i',
  x: 'i',
  q: 'as',
  b: 'v',
  u: 'v',
  d: 'v',
  s: 'sm',
  l: 'u',
  c: 'ci',
  n: 'id',
} as const satisfies Record<EventType, string>

const fieldOfType: ReadonlyMap<unknown, string> = new Map(Object.entries(numberField))

/** The event with a number, by which it is known again. */
export function withNumber(event: MarketEvent, number: number): MarketEvent {
  const value = base + number
  return { ...event, [numberField[event.T]]: event.T === 's' ? String(value) : value }
}

/** The number of an event from outside; `NaN` where it has none. */
export function numberOf(event: unknown): number {
  const fields = Object(event) as Readonly<Record<string, unknown>>
  const field = fieldOfType.get(fields['T'])
  return field === undefined ? Number.NaN : Number(fields[field]) - base
}
