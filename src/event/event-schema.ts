import { channelOfType, type EventType } from './event.ts'
import { eventFields } from './event-fields.ts'

/** The JSON Schema (draft 2020-12) of a market event, made from the table that the gateway validates with. */
export function eventSchema(): Record<string, unknown> {
  const types = Object.keys(channelOfType).filter((type): type is EventType =>
    Object.hasOwn(eventFields, type),
  )
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Market event',
    description:
      'The value of a Kafka record. Fields that are not listed are ignored and not passed on; an optional field may be null.',
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
