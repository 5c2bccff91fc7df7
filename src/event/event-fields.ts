import type { EventType } from './event.ts'
import { isSymbol, symbolPattern } from './symbol.ts'
import { isTime, timePattern } from './time.ts'

/** What a field may hold: a check for the gateway, a JSON Schema for producers, and the rule in words. */
export interface FieldKind {
  readonly rule: string
  readonly schema: Readonly<Record<string, unknown>>
  readonly accepts: (value: unknown) => boolean
}

export interface EventField {
  readonly name: string
  readonly kind: FieldKind
  readonly isRequired: boolean
}

const maxInteger = Number.MAX_SAFE_INTEGER

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && value >= -maxInteger && value <= maxInteger

function text(maxLength: number): FieldKind {
  return {
    rule: `a text of at most ${maxLength} characters`,
    schema: { type: 'string', maxLength },
    accepts: value => typeof value === 'string' && value.length <= maxLength,
  }
}

function texts(maxItems: number, item: FieldKind): FieldKind {
  return {
    rule: `at most ${maxItems}, each ${item.rule}`,
    schema: { type: 'array', maxItems, items: item.schema },
    accepts: value => Array.isArray(value) && value.length <= maxItems && value.every(item.accepts),
  }
}

const symbol: FieldKind = {
  rule: `a symbol (${symbolPattern})`,
  schema: { type: 'string', pattern: symbolPattern },
  accepts: value => typeof value === 'string' && isSymbol(value),
}

const time: FieldKind = {
  rule: 'an RFC 3339 time with at most 9 fraction digits, such as 2026-01-31T14:30:00.123456789Z',
  schema: { type: 'string', format: 'date-time', pattern: timePattern },
  accepts: value => typeof value === 'string' && isTime(value),
}

const price: FieldKind = {
  rule: 'a number between -(2^53 - 1) and 2^53 - 1',
  schema: { type: 'number', minimum: -maxInteger, maximum: maxInteger },
  accepts: isNumber,
}

const size: FieldKind = {
  rule: 'a number from 0 to 2^53 - 1',
  schema: { type: 'number', minimum: 0, maximum: maxInteger },
  accepts: value => isNumber(value) && value >= 0,
}

const integer: FieldKind = {
  rule: 'a whole number from 0 to 2^53 - 1',
  schema: { type: 'integer', minimum: 0, maximum: maxInteger },
  accepts: value => Number.isSafeInteger(value) && isNumber(value) && value >= 0,
}

const newsId: FieldKind = {
  rule: 'a whole number from 0 to 2^53 - 1, or a text of 1 to 64 characters',
  schema: { anyOf: [integer.schema, { type: 'string', minLength: 1, maxLength: 64 }] },
  accepts: value =>
    typeof value === 'string' ? value.length > 0 && value.length <= 64 : integer.accepts(value),
}

const code = text(16)
const codes = texts(16, code)
const line = text(2048)
/** Longer than any event may be: the size of the whole record is the bound. */
const article = text(1_048_576)

const required = (name: string, kind: FieldKind): EventField => ({ name, kind, isRequired: true })
const optional = (name: string, kind: FieldKind): EventField => ({ name, kind, isRequired: false })

const bar: readonly EventField[] = [
  required('S', symbol),
  required('o', price),
  required('h', price),
  required('l', price),
  required('c', price),
  required('v', size),
  optional('n', integer),
  optional('vw', price),
  required('t', time),
]

/** The fields of every event type beside `T`. The validator and the JSON Schema are made from this one table. */
export const eventFields: Readonly<Record<EventType, readonly EventField[]>> = {
  t: [
    required('S', symbol),
    optional('i', integer),
    optional('x', code),
    required('p', price),
    required('s', size),
    optional('c', codes),
    required('t', time),
    optional('z', code),
    optional('tks', code),
  ],
  q: [
    required('S', symbol),
    optional('bx', code),
    required('bp', price),
    required('bs', size),
    optional('ax', code),
    required('ap', price),
    required('as', size),
    optional('c', codes),
    required('t', time),
    optional('z', code),
  ],
  b: bar,
  u: bar,
  d: bar,
  s: [
    required('S', symbol),
    required('sc', code),
    optional('sm', line),
    optional('rc', code),
    optional('rm', line),
    required('t', time),
    optional('z', code),
  ],
  l: [
    required('S', symbol),
    required('u', price),
    required('d', price),
    optional('i', code),
    required('t', time),
    optional('z', code),
  ],
  c: [
    required('S', symbol),
    optional('x', code),
    optional('oi', integer),
    required('op', price),
    required('os', size),
    optional('oc', codes),
    optional('ci', integer),
    required('cp', price),
    required('cs', size),
    optional('cc', codes),
    required('t', time),
    optional('z', code),
  ],
  x: [
    required('S', symbol),
    optional('i', integer),
    optional('x', code),
    required('p', price),
    required('s', size),
    optional('a', code),
    required('t', time),
    optional('z', code),
  ],
  n: [
    required('id', newsId),
    required('headline', line),
    optional('summary', article),
    optional('author', line),
    required('created_at', time),
    optional('updated_at', time),
    optional('url', line),
    optional('content', article),
    required('symbols', texts(256, symbol)),
    optional('source', line),
  ],
}
