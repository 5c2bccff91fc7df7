import { channelOfType, type EventType, type MarketEvent } from './event.ts'
import { showValue } from '../diagnostics/show-value.ts'
import { eventFields } from './event-fields.ts'
import type { Repair, RepairedValue } from './field-kinds.ts'

/** Why a value is not a market event. `reason` is from a closed set, for metrics. */
export class EventFault {
  readonly reason: FaultReason
  /** The field and the broken rule: fit for logs, which show nothing of a payload. */
  readonly rule: string
  /** The same with the value (shortened), for its sender. */
  readonly message: string

  constructor(
    reason: FaultReason,
    fault: { readonly field: string; readonly value?: unknown; readonly rule: string },
  ) {
    this.reason = reason
    this.rule = `${fault.field}: ${fault.rule}`
    this.message = 'value' in fault ? `${fault.field}=${showValue(fault.value)}: ${fault.rule}` : this.rule
  }
}

export const faultReasons = ['syntax', 'type', 'field', 'size', 'decoder'] as const

export type FaultReason = (typeof faultReasons)[number]

/** A repair and its field, such as `n.headline`. */
export interface FieldRepair extends Repair {
  readonly field: string
}

/**
 * Checks that a value is a market event as `event.schema.json` defines it. Returns the value itself if it
 * needs no change. Otherwise returns a copy: without fields that the schema does not know, without optional
 * fields that are null, and with repaired values. `onRepair` is called with what a repair lost.
 */
export function parseEvent(
  value: unknown,
  onRepair?: (repair: FieldRepair) => void,
): MarketEvent | EventFault {
  if (!isObject(value))
    return new EventFault('type', { field: 'event', value, rule: 'expected a JSON object' })
  const type = value['T']
  if (!isEventType(type)) {
    return new EventFault('type', {
      field: 'T',
      value: type,
      rule: `expected one of ${Object.keys(eventFields).join(' ')}`,
    })
  }
  let known = 1
  let repaired: Map<string, RepairedValue> | undefined
  for (const { name, kind, isRequired } of eventFields[type]) {
    const found = value[name]
    if (found === undefined || found === null) {
      if (isRequired)
        return new EventFault('field', { field: `${type}.${name}`, rule: `missing; expected ${kind.rule}` })
    } else if (kind.accepts(found)) {
      known++
    } else {
      const replacement = kind.repair?.(found)
      if (replacement === undefined) {
        const field = `${type}.${name}`
        return new EventFault('field', { field, value: found, rule: `expected ${kind.rule}` })
      }
      repaired ??= new Map()
      repaired.set(name, replacement)
    }
  }
  if (repaired !== undefined) reportRepairs(repaired, type, onRepair)
  return known === countOwn(value) && isPlain(value) ? asEvent(value) : copyOf(value, type, repaired)
}

function reportRepairs(
  repaired: ReadonlyMap<string, RepairedValue>,
  type: EventType,
  onRepair?: (repair: FieldRepair) => void,
): void {
  for (const [name, { repair }] of repaired) {
    if (repair !== undefined) onRepair?.({ ...repair, field: `${type}.${name}` })
  }
}

/** Returns the names of the fields that the schema does not know; these are not passed on. */
export function unknownFields(value: unknown): string[] {
  if (!isObject(value) || !isEventType(value['T'])) return []
  const known = new Set(eventFields[value['T']].map(field => field.name))
  return Object.keys(value).filter(name => name !== 'T' && !known.has(name))
}

/** Returns a copy with the known fields, repaired where needed. */
function copyOf(
  value: Readonly<Record<string, unknown>>,
  type: EventType,
  repaired?: ReadonlyMap<string, RepairedValue>,
): MarketEvent {
  const copy: Record<string, unknown> = { T: type }
  for (const { name } of eventFields[type]) {
    const found = repaired?.get(name)?.value ?? value[name]
    if (found !== undefined && found !== null) copy[name] = found
  }
  return asEvent(copy)
}

/** Returns a copy of an event that shares no list with it. */
export function copyEvent(event: MarketEvent): MarketEvent {
  const copy: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event)) copy[name] = Array.isArray(value) ? [...value] : value
  return asEvent(copy)
}

/** To be called after every field was checked against the table. */
function asEvent(value: object): MarketEvent {
  return value as MarketEvent
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && Object.hasOwn(channelOfType, value)
}

/**
 * Whether an object has no class: a decoder module's class may inherit fields, or decide with `toJSON` what
 * is sent.
 */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function countOwn(value: object): number {
  let count = 0
  for (const name in value) if (Object.hasOwn(value, name)) count++
  return count
}
