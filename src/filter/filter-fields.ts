import { type Channel, channelOfType, type EventType, type MarketEvent } from '../event/event.ts'
import { eventFields } from '../event/event-fields.ts'
import type { FieldKind } from '../event/field-kinds.ts'
import { toSymbol } from '../event/symbol.ts'
import { derivedFields } from './derived-fields.ts'

/** A value that a field is compared with. */
export type Operand = number | string

/** `id`: a number or a text, which have no common order. */
export type FilterFieldType = 'number' | 'text' | 'id' | 'list'

/** A field that filters of a channel may name. */
export interface FilterField {
  readonly name: string
  readonly type: FilterFieldType
  /** Returns the field's value of an event of the channel; `undefined` if it has none. */
  readonly read: (event: MarketEvent) => unknown
  /** Returns the operand that a value from outside stands for; `undefined` if it is none of the field. */
  readonly parse: (value: unknown) => Operand | undefined
  /** What an operand must be, in words. */
  readonly rule: string
}

export type FilterFields = ReadonlyMap<string, FilterField>

/** No filter needs a longer text, and filters are kept and repeated in acknowledgements. */
const maxTextLength = 256

const fieldsByChannel = new Map<Channel, FilterFields>()

/** Returns the fields that filters of a channel may name: those of its events but times, and derived ones. */
export function filterFields(channel: Channel): FilterFields {
  let fields = fieldsByChannel.get(channel)
  if (fields === undefined) fieldsByChannel.set(channel, (fields = fieldsOf(channel)))
  return fields
}

/** Whether a field of a channel is a time, which filters do not compare. */
export function isTimeField(channel: Channel, name: string): boolean {
  return eventFields[typeOf(channel)].some(field => field.name === name && isTimeKind(field.kind))
}

function fieldsOf(channel: Channel): FilterFields {
  const fields = eventFields[typeOf(channel)].filter(({ kind }) => !isTimeKind(kind))
  const own = fields.map(({ name, kind }) => filterField(name, kind))
  const names = new Set(fields.map(({ name }) => name))
  const derived = derivedFields
    .filter(({ from }) => from.every(name => names.has(name)))
    .map(
      ({ name, read }): FilterField => ({ name, type: 'number', read, parse: parseNumber, rule: numberRule }),
    )
  return new Map([...own, ...derived].map(field => [field.name, field]))
}

function typeOf(channel: Channel): EventType {
  for (const [type, name] of Object.entries(channelOfType)) {
    if (name === channel && isTypeOfTable(type)) return type
  }
  throw new Error(`${channel}: no event type has this channel`)
}

function isTypeOfTable(type: string): type is EventType {
  return Object.hasOwn(eventFields, type)
}

function isTimeKind({ schema }: FieldKind): boolean {
  return schema['format'] === 'date-time'
}

function filterField(name: string, kind: FieldKind): FilterField {
  const type = typeOfKind(kind)
  const read = (event: MarketEvent): unknown => asFields(event)[name]
  if (type === 'number') return { name, type, read, parse: parseNumber, rule: numberRule }
  // An entry of a list is judged by a list of it alone.
  const accepts = type === 'list' ? (value: unknown): boolean => kind.accepts([value]) : kind.accepts
  const parse = (value: unknown): Operand | undefined => {
    if (typeof value === 'number') return type === 'id' && accepts(value) ? value : undefined
    if (typeof value !== 'string' || value.length > maxTextLength) return undefined
    // Symbols are compared in NFC.
    const text = accepts(value) ? value : toSymbol(value)
    return text !== undefined && accepts(text) ? text : undefined
  }
  return { name, type, read, parse, rule: ruleOf(kind, type) }
}

function asFields(event: object): Readonly<Record<string, unknown>> {
  return event as Readonly<Record<string, unknown>>
}

function typeOfKind({ schema }: FieldKind): FilterFieldType {
  if (schema['type'] === 'array') return 'list'
  if (schema['anyOf'] !== undefined) return 'id'
  return schema['type'] === 'string' ? 'text' : 'number'
}

function ruleOf({ rule, schema }: FieldKind, type: FilterFieldType): string {
  const isLong = type === 'text' && Number(schema['maxLength']) > maxTextLength
  if (isLong) return `a text of at most ${maxTextLength} characters`
  return type === 'list' ? rule.slice(rule.indexOf('each ') + 'each '.length) : rule
}

const numberRule = 'a finite number'

function parseNumber(value: unknown): number | undefined {
  // -0 is 0, as in JSON.
  return typeof value === 'number' && Number.isFinite(value) ? value + 0 : undefined
}
