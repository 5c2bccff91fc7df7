import { showValue } from '../diagnostics/show-value.ts'
import { isSymbol, symbolPattern, symbolRule, toSymbol } from './symbol.ts'
import { isTime, timePattern } from './time.ts'

/** A kind of field: a check for the gateway, a JSON Schema for producers, and the rule in words. */
export interface FieldKind {
  readonly rule: string
  readonly schema: Readonly<Record<string, unknown>>
  /** Whether the value is passed on as it is. */
  readonly accepts: (value: unknown) => boolean
  /** The check for a value whose texts are known to be ASCII; absent if that is no faster. */
  readonly acceptsAscii?: (value: unknown) => boolean
  /**
   * Returns the value to be passed on in place of one that is not accepted; `undefined` if the event is
   * invalid.
   */
  readonly repair?: (value: unknown) => RepairedValue | undefined
}

/**
 * Losses by repairs: symbols of an article; halves of surrogate pairs in a text. A closed set, for metrics.
 */
export const repairKinds = ['symbol', 'text'] as const

/** The loss by a repair. */
export interface Repair {
  readonly kind: (typeof repairKinds)[number]
  /** The number of symbols or texts. */
  readonly count: number
  /** In words, with the symbols that were dropped. */
  readonly message: string
}

export interface RepairedValue {
  readonly value: unknown
  /** Absent if nothing was lost. */
  readonly repair?: Repair | undefined
}

const maxInteger = Number.MAX_SAFE_INTEGER

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && value >= -maxInteger && value <= maxInteger

const isTextWithin = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength

/**
 * A text of at most so many UTF-16 units. A half of a surrogate pair is replaced: UTF-8 cannot encode it, and
 * strict readers refuse its escape.
 */
export function text(maxLength: number): FieldKind {
  return {
    rule: `a text of at most ${maxLength} characters`,
    schema: { type: 'string', maxLength },
    accepts: value => isTextWithin(value, maxLength) && value.isWellFormed(),
    acceptsAscii: value => typeof value === 'string' && value.length <= maxLength,
    repair: value => (isTextWithin(value, maxLength) ? wellFormed(value) : undefined),
  }
}

function wellFormed(value: string): RepairedValue {
  const repair: Repair = { kind: 'text', count: 1, message: 'half a surrogate pair became U+FFFD' }
  return { value: value.toWellFormed(), repair }
}

/** A list of entries of one kind. */
export function listOf(maxItems: number, item: FieldKind): FieldKind {
  const acceptsAscii = item.acceptsAscii ?? item.accepts
  return {
    rule: `at most ${maxItems}, each ${item.rule}`,
    schema: { type: 'array', maxItems, items: item.schema },
    accepts: value => Array.isArray(value) && value.length <= maxItems && value.every(item.accepts),
    acceptsAscii: value => Array.isArray(value) && value.length <= maxItems && value.every(acceptsAscii),
    repair: value => {
      if (!Array.isArray(value) || value.length > maxItems) return undefined
      const { good, bad, firstRepair } = repairEntries(value, item)
      return bad.length > 0 ? undefined : { value: good, repair: firstRepair }
    },
  }
}

interface RepairedEntries {
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
  readonly firstRepair: Repair | undefined
}

function repairEntries(entries: readonly unknown[], kind: FieldKind): RepairedEntries {
  const good: unknown[] = []
  const bad: unknown[] = []
  let firstRepair: Repair | undefined
  for (const entry of entries) {
    const repaired: RepairedValue | undefined = kind.accepts(entry) ? { value: entry } : kind.repair?.(entry)
    if (repaired === undefined) bad.push(entry)
    else good.push(repaired.value)
    firstRepair ??= repaired?.repair
  }
  return { good, bad, firstRepair }
}

export const symbol: FieldKind = {
  rule: symbolRule,
  schema: { type: 'string', pattern: symbolPattern },
  accepts: value => typeof value === 'string' && isSymbol(value),
  repair: value => {
    const meant = typeof value === 'string' ? toSymbol(value) : undefined
    return meant === undefined ? undefined : { value: meant }
  },
}

const maxSymbols = 1024
/** How many dropped symbols a message names. */
const namedSymbols = 10
const onlySymbols = listOf(maxSymbols, symbol)

/**
 * The symbols of an article. Entries that are not symbols are dropped, so that the article itself is not
 * lost.
 */
export const symbols: FieldKind = {
  ...onlySymbols,
  repair: value => {
    if (!Array.isArray(value) || value.length > maxSymbols) return undefined
    const { good, bad } = repairEntries(value, symbol)
    if (bad.length === 0) return { value: good }
    const names = bad.slice(0, namedSymbols).map(entry => showValue(entry))
    const message = `dropped ${bad.length} of ${value.length} (${names.join(' ')}): expected ${symbolRule}`
    return { value: good, repair: { kind: 'symbol', count: bad.length, message } }
  },
}

export const time: FieldKind = {
  rule: 'an RFC 3339 time with at most 9 fraction digits, such as 2026-01-31T14:30:00.123456789Z',
  schema: { type: 'string', format: 'date-time', pattern: timePattern },
  accepts: value => typeof value === 'string' && isTime(value),
}

export const price: FieldKind = {
  rule: 'a number between -(2^53 - 1) and 2^53 - 1',
  schema: { type: 'number', minimum: -maxInteger, maximum: maxInteger },
  accepts: isNumber,
}

export const size: FieldKind = {
  rule: 'a number from 0 to 2^53 - 1',
  schema: { type: 'number', minimum: 0, maximum: maxInteger },
  accepts: value => isNumber(value) && value >= 0,
}

export const integer: FieldKind = {
  rule: 'a whole number from 0 to 2^53 - 1',
  schema: { type: 'integer', minimum: 0, maximum: maxInteger },
  accepts: value => Number.isSafeInteger(value) && isNumber(value) && value >= 0,
}

const textId = text(64)

/** The id of an article or a trade. */
export const id: FieldKind = {
  rule: 'a whole number from 0 to 2^53 - 1, or a text of 1 to 64 characters',
  schema: { anyOf: [integer.schema, { type: 'string', minLength: 1, maxLength: 64 }] },
  accepts: value =>
    typeof value === 'string' ? value !== '' && textId.accepts(value) : integer.accepts(value),
  repair: value => (value === '' ? undefined : textId.repair?.(value)),
}
