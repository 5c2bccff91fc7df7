import type { MarketEvent } from '../event/event.ts'
import type { Comparison, Expression } from './expression.ts'

/** Whether an event of the channel passes. */
export type Predicate = (event: MarketEvent) => boolean

/**
 * Returns the function that evaluates an expression. A field that an event does not have compares as false;
 * `ne` and `hasNone` are the opposites of `eq` and `hasAny`, so that they are then true, and `not` is always
 * the opposite of what it negates.
 */
export function predicateOf(expression: Expression): Predicate {
  if (expression.kind === 'value') return valuePredicate(expression)
  if (expression.kind === 'list') return listPredicate(expression)
  if (expression.kind === 'not') return notOf(predicateOf(expression.part))
  const parts = expression.parts.map(predicateOf)
  return expression.kind === 'all' ? allOf(parts) : anyOf(parts)
}

function allOf(parts: readonly Predicate[]): Predicate {
  return event => {
    for (const part of parts) if (!part(event)) return false
    return true
  }
}

function anyOf(parts: readonly Predicate[]): Predicate {
  return event => {
    for (const part of parts) if (part(event)) return true
    return false
  }
}

function notOf(part: Predicate): Predicate {
  return event => !part(event)
}

function valuePredicate(comparison: Extract<Comparison, { kind: 'value' }>): Predicate {
  const { operator, operand } = comparison
  const { read } = comparison.field
  if (operator === 'eq') return event => read(event) === operand
  if (operator === 'ne') return event => read(event) !== operand
  if (operator === 'has') return event => entriesOf(read(event)).includes(operand)
  return typeof operand === 'number'
    ? numberPredicate(operator, operand, read)
    : textPredicate(operator, operand, read)
}

type Order = 'gt' | 'gte' | 'lt' | 'lte'
type Read = (event: MarketEvent) => unknown

/** A field without a value is read as NaN, which no order holds for. */
function numberPredicate(operator: Order, operand: number, read: Read): Predicate {
  if (operator === 'gt') return event => asNumber(read(event)) > operand
  if (operator === 'gte') return event => asNumber(read(event)) >= operand
  if (operator === 'lt') return event => asNumber(read(event)) < operand
  return event => asNumber(read(event)) <= operand
}

function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN
}

/** Texts are ordered by their UTF-16 code units. */
function textPredicate(operator: Order, operand: string, read: Read): Predicate {
  const isInOrder = textOrders[operator]
  return event => {
    const value = read(event)
    return typeof value === 'string' && isInOrder(value, operand)
  }
}

const textOrders: Readonly<Record<Order, (value: string, operand: string) => boolean>> = {
  gt: (value, operand) => value > operand,
  gte: (value, operand) => value >= operand,
  lt: (value, operand) => value < operand,
  lte: (value, operand) => value <= operand,
}

function listPredicate(comparison: Extract<Comparison, { kind: 'list' }>): Predicate {
  const { operator } = comparison
  const { read } = comparison.field
  const operand: ReadonlySet<unknown> = new Set(comparison.operand)
  if (operator === 'in') return event => operand.has(read(event))
  const hasAny: Predicate = event => {
    for (const entry of entriesOf(read(event))) if (operand.has(entry)) return true
    return false
  }
  return operator === 'hasAny' ? hasAny : notOf(hasAny)
}

const noEntries: readonly unknown[] = []

function entriesOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : noEntries
}
