import { showValue } from '../diagnostics/show-value.ts'
import { isSymbol, symbolPattern, symbolRule, toSymbol } from './symbol.ts'
import { isTime, timePattern } from './time.ts'

/** What a field may hold: a check for the gateway, a JSON Schema for producers, and the rule in words. */
export interface FieldKind {
  readonly rule: string
  readonly schema: Readonly<Record<string, unknown>>
  /** Whether the value is passed on as it is. */
  readonly accepts: (value: unknown) => boolean
  /** The same of a value whose texts are ASCII; left out where that makes no difference. */
  readonly acceptsAscii?: (value: unknown) => boolean
  /**
   * What is passed on in place of a value that is not accepted; `undefined` where it makes the event invalid.
   */
  readonly mend?: (value: unknown) => MendedValue | undefined
}

/** The symbols that an article lost; the texts that had half a surrogate pair. A closed set, for metrics. */
export const repairKinds = ['symbol', 'text'] as const

/** What of a value was lost when it was mended. */
export interface Repair {
  readonly kind: (typeof repairKinds)[number]
  /** How many symbols or texts. */
  readonly count: number
  /** In words, with the symbols that were dropped. */
  readonly message: string
}

export interface MendedValue {
  readonly value: unknown
  /** Absent where nothing was lost. */
  readonly repair?: Repair | undefined
}

const maxInteger = Number.MAX_SAFE_INTEGER

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && value >= -maxInteger && value <= maxInteger

const isTextWithin = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength

/**
 * A text of at most so many UTF-16 units. UTF-8 has no half surrogate pairs, and strict readers refuse their
 * escapes.
 */
export function text(maxLength: number): FieldKind {
  return {
    rule: `a text of at most ${maxLength} characters`,
    schema: { type: 'string', maxLength },
    accepts: value => isTextWithin(value, maxLength) && value.isWellFormed(),
    acceptsAscii: value => typeof value === 'string' && value.length <= maxLength,
    mend: value => (isTextWithin(value, maxLength) ? wellFormed(value) : undefined),
  }
}

function wellFormed(value: string): MendedValue {
  const repair: Repair = { kind: 'text', count: 1, message: 'half a surrogate pair became U+FFFD' }
  return { value: value.toWellFormed(), repair }
}

/** A list whose entries are all of one kind. */
export function listOf(maxItems: number, item: FieldKind): FieldKind {
  const acceptsAscii = item.acceptsAscii ?? item.accepts
  return {
    rule: `at most ${maxItems}, each ${item.rule}`,
    schema: { type: 'array', maxItems, items: item.schema },
    accepts: value => Array.isArray(value) && value.length <= maxItems && value.every(item.accepts),
    acceptsAscii: value => Array.isArray(value) && value.length <= maxItems && value.every(acceptsAscii),
    mend: value => {
      if (!Array.isArray(value) || value.length > maxItems) return undefined
      const { good, bad, repair } = mendEntries(value, item)
      return bad.length > 0 ? undefined : { value: good, repair }
    },
  }
}

interface MendedEntries {
  readonly good: readonly unknown[]
  readonly bad: readonly unknown[]
  /** The first one. */
  readonly repair: Repair | undefined
}

function mendEntries(entries: readonly unknown[], { accepts, mend }: FieldKind): MendedEntries {
  const good: unknown[] = []
  const bad: unknown[] = []
  let repair: Repair | undefined
  for (const entry of entries) {
    const mended: MendedValue | undefined = accepts(entry) ? { value: entry } : mend?.(entry)
    if (mended === undefined) bad.push(entry)
    else good.push(mended.value)
    repair ??= mended?.repair
  }
  return { good, bad, repair }
}

export const symbol: FieldKind = {
  rule: symbolRule,
  schema: { type: 'string', pattern: symbolPattern },
  accepts: value => typeof value === 'string' && isSymbol(value),
  mend: value => {
    const meant = typeof value === 'string' ? toSymbol(value) : undefined
    return meant === undefined ? undefined : { value: meant }
  },
}

const maxSymbols = 1024
/** So many of those that are dropped are named. */
const namedSymbols = 10
const onlySymbols = listOf(maxSymbols, symbol)

/** The symbols of an article, which loses those that are none rather than getting lost because of them. */
export const symbols: FieldKind = {
  ...onlySymbols,
  mend: value => {
    if (!Array.isArray(value) || value.length > maxSymbols) return undefined
    const { good, bad } = mendEntries(value, symbol)
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
  mend: value => (value === '' ? undefined : textId.mend?.(value)),
}
