import { showValue } from '../diagnostics/show-value.ts'
import type { Channel } from '../event/event.ts'
import {
  type Comparison,
  type Expression,
  type ListOperator,
  listOperators,
  type ValueOperator,
} from './expression.ts'
import {
  type FilterField,
  type FilterFields,
  type FilterFieldType,
  filterFields,
  isTimeField,
} from './filter-fields.ts'

/** How many comparisons, `all`, `any` and `not` a filter may have, so that to evaluate it costs little. */
export const maxFilterNodes = 32
/** How deeply they may be nested. */
export const maxFilterDepth = 4

/** Thrown where a filter breaks a rule; `message` names the place, the value and the rule. */
export class FilterFault extends Error {}

const junctions: readonly string[] = ['all', 'any', 'not']

/** The operators of each type of field. */
const operatorsOf: Readonly<Record<FilterFieldType, readonly (ValueOperator | ListOperator)[]>> = {
  number: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'],
  text: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'],
  id: ['eq', 'ne', 'in'],
  list: ['has', 'hasAny', 'hasNone'],
}

const typeNames: Readonly<Record<FilterFieldType, string>> = {
  number: 'a number',
  text: 'a text',
  id: 'an id',
  list: 'a list',
}

/** Where in a filter something stands, such as `trades.all[1].spread`, and how deep. */
interface Place {
  readonly path: string
  readonly depth: number
}

/** Reads the filter of one channel. */
export class ExpressionParser {
  readonly #channel: Channel
  readonly #fields: FilterFields
  #nodes = 0

  constructor(channel: Channel) {
    this.#channel = channel
    this.#fields = filterFields(channel)
  }

  /** Returns what a value from outside says. Throws a `FilterFault`. */
  parse(value: unknown): Expression {
    return this.#parseObject(value, { path: this.#channel, depth: 1 })
  }

  #parseObject(value: unknown, { path, depth }: Place): Expression {
    if (!isObject(value)) throw new FilterFault(`${path}=${showValue(value)}: expected ${this.#filterRule()}`)
    const entries = Object.entries(value)
    if (entries.length === 0) throw new FilterFault(`${path}={}: expected ${this.#filterRule()}`)
    // What stands side by side is an `all` of it.
    const isJunction = entries.length > 1 || isMultiple(entries[0]?.[1], entries[0]?.[0])
    if (isJunction) this.#count(path, depth)
    const inner = isJunction ? depth + 1 : depth
    const parts = entries.flatMap(([name, content]) => {
      const place = { path: `${path}.${showName(name)}`, depth: inner }
      return junctions.includes(name)
        ? [this.#parseJunction(name, content, place)]
        : this.#parseField(name, content, place)
    })
    const [first] = parts
    return first !== undefined && !isJunction ? first : { kind: 'all', parts }
  }

  #parseJunction(name: string, value: unknown, { path, depth }: Place): Expression {
    this.#count(path, depth)
    if (name === 'not') return { kind: 'not', part: this.#parseObject(value, { path, depth: depth + 1 }) }
    if (!Array.isArray(value) || value.length === 0)
      throw new FilterFault(`${path}=${showValue(value)}: expected a list of one filter or more`)
    const parts = value.map((part: unknown, index) =>
      this.#parseObject(part, { path: `${path}[${index}]`, depth: depth + 1 }),
    )
    return { kind: name === 'all' ? 'all' : 'any', parts }
  }

  #parseField(name: string, value: unknown, { path, depth }: Place): Comparison[] {
    const field = this.#fields.get(name)
    if (field === undefined) throw new FilterFault(`${path}: ${this.#unknownField(name)}`)
    const operators = operatorsOf[field.type]
    if (!isObject(value) || Object.keys(value).length === 0) {
      const example = `{"${operators[0]}":…}`
      throw new FilterFault(`${path}=${showValue(value)}: expected an object such as ${example}`)
    }
    return Object.entries(value).map(([operator, operand]) => {
      this.#count(path, depth)
      const known = operators.find(candidate => candidate === operator)
      if (known !== undefined)
        return parseComparison(field, known, { path: `${path}.${known}`, value: operand })
      throw new FilterFault(
        `${path}: ${showValue(operator)} is not an operator for ${typeNames[field.type]}; known: ${operators.join(', ')}`,
      )
    })
  }

  #count(path: string, depth: number): void {
    if (depth > maxFilterDepth)
      throw new FilterFault(`${path}: nested too deeply; at most ${maxFilterDepth} levels`)
    if (++this.#nodes > maxFilterNodes) {
      throw new FilterFault(
        `${this.#channel}: the filter is too large; at most ${maxFilterNodes} comparisons, all, any and not together`,
      )
    }
  }

  #filterRule(): string {
    return `an object of fields (${this.#fieldNames()}), all, any or not`
  }

  #unknownField(name: string): string {
    if (isTimeField(this.#channel, name))
      return 'filters do not compare times; to go on from an earlier time, use a cursor'
    return `unknown field; known: ${this.#fieldNames()}; or all, any, not`
  }

  #fieldNames(): string {
    return [...this.#fields.keys()].join(', ')
  }
}

interface GivenOperand {
  readonly path: string
  readonly value: unknown
}

function parseComparison(
  field: FilterField,
  operator: ValueOperator | ListOperator,
  { path, value }: GivenOperand,
): Comparison {
  if (!isListOperator(operator)) {
    const operand = field.parse(value)
    if (operand !== undefined) return { kind: 'value', field, operator, operand }
    throw new FilterFault(`${path}=${showValue(value)}: expected ${field.rule}`)
  }
  if (!Array.isArray(value) || value.length === 0)
    throw new FilterFault(`${path}=${showValue(value)}: expected a list of one or more, each ${field.rule}`)
  const operand = value.map((entry: unknown, index) => {
    const parsed = field.parse(entry)
    if (parsed !== undefined) return parsed
    throw new FilterFault(`${path}[${index}]=${showValue(entry)}: expected ${field.rule}`)
  })
  return { kind: 'list', field, operator, operand }
}

function isListOperator(operator: ValueOperator | ListOperator): operator is ListOperator {
  return listOperators.some(candidate => candidate === operator)
}

/** Whether the content of a field has several operators. */
function isMultiple(content: unknown, name: string | undefined): boolean {
  return (
    name !== undefined && !junctions.includes(name) && isObject(content) && Object.keys(content).length > 1
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A name from outside, as a path may show it. */
function showName(name: string): string {
  return /^\w{1,16}$/.test(name) ? name : showValue(name, 16)
}
