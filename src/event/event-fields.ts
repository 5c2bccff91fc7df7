import { type EventType, channelOfType } from './event.ts'
import {
  type FieldKind,
  id,
  integer,
  listOf,
  price,
  size,
  symbol,
  symbols,
  text,
  time,
} from './field-kinds.ts'

interface EventField {
  readonly name: string
  readonly kind: FieldKind
  readonly isRequired: boolean
}

const code = text(16)
const noOrders = '(0 on a side without orders)'
const sidePrice = { ...price, rule: `${price.rule} ${noOrders}` }
const sideSize = { ...size, rule: `${size.rule} ${noOrders}` }
const codes = listOf(16, code)
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

/**
 * The fields of every event type; `T` is none of them. The validator and the JSON Schema are both made from
 * this table.
 */
export const eventFields: Readonly<Record<EventType, readonly EventField[]>> = {
  t: [
    required('S', symbol),
    optional('i', id),
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
    required('bp', sidePrice),
    required('bs', sideSize),
    optional('ax', code),
    required('ap', sidePrice),
    required('as', sideSize),
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
    optional('oi', id),
    required('op', price),
    required('os', size),
    optional('oc', codes),
    optional('ci', id),
    required('cp', price),
    required('cs', size),
    optional('cc', codes),
    required('t', time),
    optional('z', code),
  ],
  x: [
    required('S', symbol),
    optional('i', id),
    optional('x', code),
    required('p', price),
    required('s', size),
    optional('a', code),
    required('t', time),
    optional('z', code),
  ],
  n: [
    required('id', id),
    required('headline', line),
    optional('summary', article),
    optional('author', line),
    required('created_at', time),
    optional('updated_at', time),
    optional('url', line),
    optional('content', article),
    required('symbols', symbols),
    optional('source', line),
  ],
}

/** Returns the JSON Schema (draft 2020-12) of a market event. */
export function eventSchema(): Record<string, unknown> {
  const types = Object.keys(channelOfType).filter((type): type is EventType =>
    Object.hasOwn(eventFields, type),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Market event',
    description:
      'The value of a Kafka record. Fields that are not listed are ignored and not passed on; ' +
      'an optional field may be null.',
    type: 'object',
    required: ['T'],
    oneOf: types.map(schemaOfType),
  }
}

function schemaOfType(type: EventType): Record<string, unknown> {
  const fields = eventFields[type]
  const properties: Record<string, unknown> = { T: { const: type } }
  for (const { name, kind, isRequired } of fields) {
    properties[name] = isRequired ? kind.schema : { anyOf: [kind.schema, { type: 'null' }] }
  }
  return {
    title: channelOfType[type],
    type: 'object',
    required: ['T', ...fields.filter(field => field.isRequired).map(field => field.name)],
    properties,
  }
}
