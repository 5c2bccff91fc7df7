import fc from 'fast-check'
import { channelOfType, type EventType, type MarketEvent } from '../../../src/event/event.ts'
import { eventFields } from '../../../src/event/event-fields.ts'
import type { FieldKind } from '../../../src/event/field-kinds.ts'
import { EventFault, parseEvent } from '../../../src/event/parse-event.ts'

const types = Object.keys(channelOfType).filter((type): type is EventType => type in channelOfType)
const largest = Number.MAX_SAFE_INTEGER

/** Prices that come again, that differ by little, with all sorts of decimals, and what no decimals say. */
const price = fc.oneof(
  { weight: 80, arbitrary: fc.integer({ min: 12_600, max: 12_700 }).map(cents => cents / 100) },
  { weight: 10, arbitrary: fc.integer({ min: 1_260, max: 1_270 }).map(dimes => dimes / 10) },
  { weight: 4, arbitrary: fc.integer({ min: -99_999, max: 99_999_999 }).map(units => units / 10_000) },
  fc.constantFrom(0, -0, 1, 100, 0.1 + 0.2, 1e-9, 5e-324, 1e-15, largest, -largest, largest / 10),
  fc.double({ min: -largest, max: largest, noNaN: true }),
)
const size = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 0, max: 300 }).map(lots => lots * 100) },
  { weight: 30, arbitrary: fc.nat(200) },
  fc.constantFrom(0, 1e-8, 0.12345678, largest, 0.1 + 0.7),
  fc.double({ min: 0, max: largest, noNaN: true }),
)
const whole = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 41, max: 44 }) },
  fc.integer({ min: 2 ** 45, max: 2 ** 45 + 3 }),
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 + 1, largest - 1, largest),
  fc.maxSafeNat(),
)
/** Half a character, which UTF-8 cannot say, among them. */
const unit = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('a', 'Z', '@', ' ', '"', '\\') },
  fc.constantFrom('\0', '\u007f', 'é', '上', '🚀', '\ud83d', '\udc00', '\ufeff', '\u2028'),
)
const text = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 15, arbitrary: fc.constantFrom('Q', 'N', 'V', '@', 'F') },
    fc.string({ unit, maxLength: 20 }).map(made => made.slice(0, most)),
    fc.constantFrom('', 'T12', 'x'.repeat(most), '上'.repeat(most)),
  )
const fraction = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 999 }).map(ms => `.${String(ms).padStart(3, '0')}`) },
  { weight: 3, arbitrary: fc.nat(999_999_999).map(ns => `.${String(ns).padStart(9, '0')}`) },
  { weight: 2, arbitrary: fc.nat(999_999_999).map(ns => `.${ns}`) },
  fc.constantFrom('', '.0', '.00', '.000000000', '.5', '.50', '.999999999'),
)
const minute = fc.oneof(
  { weight: 60, arbitrary: fc.constant('2026-02-27T23:59') },
  fc.constantFrom('2026-02-28T00:00', '1969-12-31T23:59', '1970-01-01T00:00', '0000-01-01T00:00'),
  fc.constantFrom('2024-02-29T12:00', '9999-12-31T23:59', '2038-01-19T03:14'),
)
const leapSecond = fraction.map(digits => `2016-12-31T23:59:60${digits}Z`)
const zone = fc.oneof({ weight: 90, arbitrary: fc.constant('Z') }, fc.constantFrom('+05:30', '-00:00'))
const usualTime = fc
  .tuple(minute, fc.nat(59), fraction, zone)
  .map(([begin, second, digits, end]) => `${begin}:${String(second).padStart(2, '0')}${digits}${end}`)
const time = fc.oneof({ weight: 30, arbitrary: usualTime }, leapSecond)

function anyOf({ schema, accepts }: FieldKind): fc.Arbitrary<unknown> {
  const most = Number(schema['maxLength'] ?? 64)
  if (schema['type'] === 'integer') return whole
  if (schema['type'] === 'number') return schema['minimum'] === 0 ? size : price
  if (schema['format'] === 'date-time') return time
  if (schema['pattern'] !== undefined)
    return fc.constantFrom('AAPL', 'BTC/USD', 'A', '=', '茅台', 'AAPL  240119C00150000', '𠀀'.repeat(64))
  if (schema['type'] === 'string') return text(Math.min(most, 2048))
  if (schema['type'] === 'array') {
    const entry = [text(16), fc.constantFrom('AAPL', 'MSFT')].map(entries =>
      fc.array(entries, { maxLength: 5 }),
    )
    return fc.oneof(fc.constantFrom(['@'], ['@', 'I'], [], ['R']), ...entry).filter(accepts)
  }
  return fc.oneof(whole, fc.constant('wire-1'))
}

const events = types.map(type => {
  const fields = eventFields[type]
  const values = Object.fromEntries(fields.map(({ name, kind }) => [name, anyOf(kind)]))
  const requiredKeys = fields.filter(({ isRequired }) => isRequired).map(({ name }) => name)
  return fc
    .record(values, { requiredKeys })
    .map(made => parseEvent({ T: type, ...made }))
    .filter((event): event is MarketEvent => !(event instanceof EventFault))
})

/**
 * Any event that the gateway takes: of all types and few symbols, so that they meet, with every kind of
 * value.
 */
export const anyEvent: fc.Arbitrary<MarketEvent> = fc.oneof(...events)

/** The same, trades and quotes more often. */
export const anyBusyEvent: fc.Arbitrary<MarketEvent> = fc.oneof(
  { weight: 1, arbitrary: anyEvent },
  { weight: 2, arbitrary: fc.oneof(...events.slice(0, 2)) },
)
