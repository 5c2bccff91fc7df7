import { channelOfType, type EventType, type MarketEvent } from './event.ts'
import { showValue } from '../diagnostics/show-value.ts'
import { eventFields } from './event-fields.ts'
import type { MendedValue, Repair } from './field-kinds.ts'

/** Why something is not a market event; `reason` is from a closed set, for metrics. */
export class EventFault {
  readonly reason: FaultReason
  /** The field and the rule it breaks: fit for logs, which hold nothing of a payload. */
  readonly rule: string
  /** The rule with the value (cut short), for whoever sent it. */
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

/** A repair, with the field where it was made, such as `n.headline`. */
export interface FieldRepair extends Repair {
  readonly field: string
}

/**
 * Checks that a value is a market event as `event.schema.json` states it. The result is the value itself, or,
 * where it has fields that the schema does not know, optional ones that are null, or values that have to be
 * mended, a copy without them; `onRepair` is told what of a mended value was lost.
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
  let mended: Map<string, MendedValue> | undefined
  for (const { name, kind, isRequired } of eventFields[type]) {
    const found = value[name]
    if (found === undefined || found === null) {
      if (isRequired)
        return new EventFault('field', { field: `${type}.${name}`, rule: `missing; expected ${kind.rule}` })
    } else if (kind.accepts(found)) {
      known++
    } else {
      const instead = kind.mend?.(found)
      if (instead === undefined) {
        const field = `${type}.${name}`
        return new EventFault('field', { field, value: found, rule: `expected ${kind.rule}` })
      }
      mended ??= new Map()
      mended.set(name, instead)
    }
  }
  if (mended !== undefined) tell(mended, type, onRepair)
  return known === countOwn(value) && isPlain(value) ? asEvent(value) : copyOf(value, type, mended)
}

function tell(
  mended: ReadonlyMap<string, MendedValue>,
  type: EventType,
  onRepair?: (repair: FieldRepair) => void,
): void {
  for (const [name, { repair }] of mended) {
    if (repair !== undefined) onRepair?.({ ...repair, field: `${type}.${name}` })
  }
}

/** The names of the fields that the schema does not know, which are not passed on. */
export function unknownFields(value: unknown): string[] {
  if (!isObject(value) || !isEventType(value['T'])) return []
  const known = new Set(eventFields[value['T']].map(field => field.name))
  return Object.keys(value).filter(name => name !== 'T' && !known.has(name))
}

/** The known fields, with what they were mended to. */
function copyOf(
  value: Readonly<Record<string, unknown>>,
  type: EventType,
  mended?: ReadonlyMap<string, MendedValue>,
): MarketEvent {
  const copy: Record<string, unknown> = { T: type }
  for (const { name } of eventFields[type]) {
    const found = mended?.get(name)?.value ?? value[name]
    if (found !== undefined && found !== null) copy[name] = found
  }
  return asEvent(copy)
}

/** Straight after every field was checked against the table. */
function asEvent(value: object): MarketEvent {
  return value as MarketEvent
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && Object.hasOwn(channelOfType, value)
}

/** A decoder module's class may inherit fields, or decide with `toJSON` what is sent. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function countOwn(value: object): number {
  let count = 0
  for (const name in value) if (Object.hasOwn(value, name)) count++
  return count
}
