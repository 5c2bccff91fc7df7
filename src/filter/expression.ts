import type { FilterField, Operand } from './filter-fields.ts'

/** Operators that compare with one value. */
export type ValueOperator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'has'

/** Operators that compare with several values. */
export const listOperators = ['in', 'hasAny', 'hasNone'] as const

export type ListOperator = (typeof listOperators)[number]

/** One comparison of one field. */
export type Comparison =
  | {
      readonly kind: 'value'
      readonly field: FilterField
      readonly operator: ValueOperator
      readonly operand: Operand
    }
  | {
      readonly kind: 'list'
      readonly field: FilterField
      readonly operator: ListOperator
      readonly operand: readonly Operand[]
    }

/** What a filter says, as a tree. */
export type Expression =
  | Comparison
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }

/** Returns an expression as the JSON that states it. */
export function expressionJson(expression: Expression): object {
  if (expression.kind === 'not') return { not: expressionJson(expression.part) }
  if ('parts' in expression) return { [expression.kind]: expression.parts.map(expressionJson) }
  return { [expression.field.name]: { [expression.operator]: expression.operand } }
}

/**
 * Returns the canonical form, which is true of the same events: `all` and `any` hold each part once, in the
 * order of their texts, and neither their like nor a single part; nothing is negated twice, or by `not` where
 * an operator says it. Never larger or deeper than the original; its own canonical form.
 */
export function canonical(expression: Expression): Expression {
  if (expression.kind === 'value') return expression
  if (expression.kind === 'list') return canonicalList(expression)
  if (expression.kind === 'not') return negated(canonical(expression.part))
  return canonicalJunction(expression.kind, expression.parts)
}

function canonicalJunction(kind: 'all' | 'any', parts: readonly Expression[]): Expression {
  const byText = new Map<string, Expression>()
  for (const part of parts.map(canonical)) {
    for (const leaf of part.kind === kind ? part.parts : [part])
      byText.set(JSON.stringify(expressionJson(leaf)), leaf)
  }
  const sorted = [...byText].toSorted(([one], [other]) => compareOperands(one, other)).map(([, leaf]) => leaf)
  const [first] = sorted
  return first !== undefined && sorted.length === 1 ? first : { kind, parts: sorted }
}

/** Returns the negation of a canonical expression, in canonical form. */
function negated(expression: Expression): Expression {
  if (expression.kind === 'not') return expression.part
  if (expression.kind === 'list') {
    const { field, operator, operand } = expression
    if (operator === 'hasAny') return { kind: 'list', field, operator: 'hasNone', operand }
    if (operator === 'hasNone') return canonicalList({ kind: 'list', field, operator: 'hasAny', operand })
  }
  if (expression.kind === 'value') {
    const { field, operator, operand } = expression
    if (operator === 'eq') return { kind: 'value', field, operator: 'ne', operand }
    if (operator === 'ne') return { kind: 'value', field, operator: 'eq', operand }
    if (operator === 'has') return { kind: 'list', field, operator: 'hasNone', operand: [operand] }
  }
  return { kind: 'not', part: expression }
}

const singular = { in: 'eq', hasAny: 'has' } as const

function canonicalList(comparison: Extract<Comparison, { kind: 'list' }>): Comparison {
  const { field, operator } = comparison
  const operand = [...new Set(comparison.operand)].toSorted(compareOperands)
  const [first] = operand
  if (first !== undefined && operand.length === 1 && operator !== 'hasNone')
    return { kind: 'value', field, operator: singular[operator], operand: first }
  return { kind: 'list', field, operator, operand }
}

/** Numbers come before texts. */
function compareOperands(one: Operand, other: Operand): number {
  if (typeof one !== typeof other) return typeof one === 'number' ? -1 : 1
  if (one === other) return 0
  return one < other ? -1 : 1
}
