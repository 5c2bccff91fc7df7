import type { EventType } from '../../event/event.ts'
import { powerOfTen } from './tape-time.ts'

/** The first number of a record that is not a change of an item: the kind of the record. */
export const recordKinds = {
  absolute: 0,
  base: 1,
  replaced: 2,
  json: 3,
  reset: 4,
  covers: 5,
} as const

/** The first number of a change is the number of the item plus this. */
export const firstItem = 8

/** The first byte of a frame of messages, `[`: the payload is the text of a `ticker.v1.json` frame. */
export const jsonFrame = 0x5b

/** The first byte of a frame without coverage, for conflated channels. */
export const bareFrame = 0x7e

/**
 * The first byte of a frame whose ranges are as long as they have events; its check is in the seven bits
 * below.
 */
export const denseFrame = 0x80
/** One more than the highest check of such a frame. */
export const endOfDenseCheck = 128
/** One more than the highest check of a frame that states the lengths of its ranges. */
export const endOfSparseCheck = 64

/** The types of events that are sent as changes; news is not. */
export type TapeType = Exclude<EventType, 'n'>

/**
 * How a field is written: a number with the decimals of a group (`price`, `size`, `average`), a whole number
 * (`count`), a whole number that is expected to rise by one (`step`), a text, or a list of texts.
 */
export type TapeFieldKind = 'price' | 'size' | 'average' | 'count' | 'step' | 'text' | 'texts'

/** A field of a type; the time is none of them. */
export interface TapeField {
  readonly name: string
  readonly kind: TapeFieldKind
  /** Its bit in a change. */
  readonly bit: number
  /** Its bit among the optional fields of the type; 0 for a required field. */
  readonly optionalBit: number
  /** Its index among the numbers, the texts or the lists of the type. */
  readonly slot: number
  /** Its group of decimals; -1 if its kind is not `price`, `size` or `average`. */
  readonly group: number
}

/** The fields of a type in the order in which they are written, and the bits of a change. */
export interface TapeLayout {
  readonly type: TapeType
  /** Without the time, whose bit is 1. */
  readonly fields: readonly TapeField[]
  /** How many of the fields are numbers, texts and lists. */
  readonly numbers: number
  readonly texts: number
  readonly lists: number
  /** Set if the bits of the present optional fields follow. */
  readonly presenceBit: number
  /** Set if the decimals of the groups follow. */
  readonly decimalsBit: number
  /** Set if the time follows in full. */
  readonly clockBit: number
  /** One more than the highest sum of bits, and of optional bits. */
  readonly endOfBits: number
  readonly endOfOptionalBits: number
}

/** Set if the time follows as a step from the last one. */
export const timeBit = 1
/** The groups of decimals in the order in which they are packed, four bits each. */
const groups: readonly TapeFieldKind[] = ['price', 'size', 'average']
/** The most decimals of a group. */
const maxDecimals = 15
/** One more than the highest packed decimals. */
export const endOfDecimals = 16 ** groups.length

const bar = 'c price, v size, n? count, vw? average, h price, l price, o price'

/**
 * The fields by type. Those that change most come first: the bits of seven fit into one byte, the time's
 * among them.
 */
const fieldTexts: Readonly<Record<TapeType, string>> = {
  t: 's size, x? text, p price, c? texts, i? step, z? text, tks? text',
  q: 'as size, bs size, ax? text, bx? text, bp price, ap price, c? texts, z? text',
  b: bar,
  u: bar,
  d: bar,
  s: 'sc text, sm? text, rc? text, rm? text, z? text',
  l: 'u price, d price, i? text, z? text',
  c: 'op price, os size, oi? count, oc? texts, cp price, cs size, ci? count, cc? texts, x? text, z? text',
  x: 'p price, s size, i? count, x? text, a? text, z? text',
}

/** Every layout by the character code of its type. */
export const tapeLayouts: ReadonlyMap<number, TapeLayout> = new Map(
  (['t', 'q', 'b', 'u', 'd', 's', 'l', 'c', 'x'] as const).map(type => [
    type.charCodeAt(0),
    layoutOf(type, fieldTexts[type]),
  ]),
)

function layoutOf(type: TapeType, text: string): TapeLayout {
  let optionalBits = 1
  const counts = { numbers: 0, texts: 0, lists: 0 }
  const fields = text.split(', ').map((entry, index): TapeField => {
    const [mark = '', word = ''] = entry.split(' ')
    const kind = kindOf(word)
    const optionalBit = mark.endsWith('?') ? optionalBits : 0
    if (optionalBit > 0) optionalBits *= 2
    const name = mark.replace('?', '')
    const slot = counts[storeOf(kind)]++
    return { name, kind, bit: 2 << index, optionalBit, slot, group: groups.indexOf(kind) }
  })
  const presenceBit = 2 << fields.length
  return {
    type,
    fields,
    ...counts,
    presenceBit,
    decimalsBit: presenceBit * 2,
    clockBit: presenceBit * 4,
    endOfBits: presenceBit * 8,
    endOfOptionalBits: optionalBits,
  }
}

function kindOf(word: string): TapeFieldKind {
  const kinds: readonly TapeFieldKind[] = ['price', 'size', 'average', 'count', 'step', 'text', 'texts']
  const kind = kinds.find(name => name === word)
  if (kind === undefined) throw new RangeError(`${word}: expected a kind of field`)
  return kind
}

function storeOf(kind: TapeFieldKind): 'numbers' | 'texts' | 'lists' {
  if (kind === 'text') return 'texts'
  return kind === 'texts' ? 'lists' : 'numbers'
}

/** Returns the decimals of a group. */
export function decimalsOf(packed: number, group: number): number {
  return (packed >> (group * 4)) & 15
}

/** Returns packed decimals with those of one group replaced. */
export function withDecimals(packed: number, group: number, decimals: number): number {
  return (packed & ~(15 << (group * 4))) | (decimals << (group * 4))
}

/**
 * Returns the whole number that stands for a value at so many decimals: the value must be the double that is
 * nearest to that number divided by the power of ten. Returns `NaN` where there is none.
 */
export function unitsOf(value: number, decimals: number): number {
  const power = powerOfTen(decimals)
  const units = Math.round(value * power)
  return units / power === value && Number.isSafeInteger(units) ? units : Number.NaN
}

/**
 * Returns the fewest decimals at which a whole number stands for a value; `undefined` where none do, as for
 * 0.1 + 0.2.
 */
export function decimalsFor(value: number): number | undefined {
  for (let decimals = 0; decimals <= maxDecimals; decimals++) {
    if (!Number.isNaN(unitsOf(value, decimals))) return decimals
  }
  return undefined
}
