import type { EventType } from '../../event/event.ts'
import { powerOfTen } from './tape-time.ts'

/** The first number of a record that is no change of an item: what follows is of this kind. */
export const recordKinds = {
  absolute: 0,
  base: 1,
  replaced: 2,
  json: 3,
  reset: 4,
  covers: 5,
} as const

/** The first number of a change is the item's number and this. */
export const firstItem = 8

/** `[`: the payload is the text of a frame of ticker.v1.json. */
export const jsonFrame = 0x5b

/** Events that cover nothing: those of conflated channels. */
export const bareFrame = 0x7e

/** The first byte of a frame whose ranges are as long as it has events, above the seven bits of its check. */
export const denseFrame = 0x80
/** One above the check of a frame, and of one in which the lengths of the ranges follow. */
export const endOfDenseCheck = 128
export const endOfSparseCheck = 64

/** The types of events that travel as changes; news never does. */
type TapeType = Exclude<EventType, 'n'>

/**
 * How a field is written: a number with the decimals of a group (`price`, `size`, `average`), a whole number (`count`), one that
 * is expected to be one more than the last (`step`), a text, or a list of texts.
 */
export type TapeFieldKind = 'price' | 'size' | 'average' | 'count' | 'step' | 'text' | 'texts'

/** A field of a type, beside its time. */
export interface TapeField {
  readonly name: string
  readonly kind: TapeFieldKind
  /** Its bit among the changes. */
  readonly bit: number
  /** Its bit among the optional fields of the type; 0 for one that is always there. */
  readonly optionalBit: number
  /** Its place among the type's numbers, its texts, or its lists. */
  readonly slot: number
  /** Which of the type's decimals its number has; -1 for others than `price`, `size` and `average`. */
  readonly group: number
}

/** The fields of a type in the order in which they are written, and the bits of its changes. */
export interface TapeLayout {
  readonly type: TapeType
  /** Without the time, whose bit is 1. */
  readonly fields: readonly TapeField[]
  /** How many of them are numbers, texts and lists. */
  readonly numbers: number
  readonly texts: number
  readonly lists: number
  /** The bit that says: the present optional fields follow. */
  readonly presenceBit: number
  /** The bit that says: the decimals of the groups follow. */
  readonly decimalsBit: number
  /** The bit that says: the time follows in full. */
  readonly clockBit: number
  /** One above the highest sum of bits, and of optional bits. */
  readonly endOfBits: number
  readonly endOfOptionalBits: number
}

/** The bit of a later time. */
export const timeBit = 1
/** The numbers of decimals in the order in which they are packed, four bits each. */
const groups: readonly TapeFieldKind[] = ['price', 'size', 'average']
/** The highest number of decimals of a group. */
const maxDecimals = 15
/** One above the highest packed numbers of decimals. */
export const endOfDecimals = 16 ** groups.length

const bar = 'c price, v size, n? count, vw? average, h price, l price, o price'

/** What changes most comes first: seven bits fit into the first byte, the time's among them. */
const texts: Readonly<Record<TapeType, string>> = {
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

/** Every layout by the code of its type's letter. */
export const tapeLayouts: ReadonlyMap<number, TapeLayout> = new Map(
  (['t', 'q', 'b', 'u', 'd', 's', 'l', 'c', 'x'] as const).map(type => [
    type.charCodeAt(0),
    layoutOf(type, texts[type]),
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
    return {
      name,
      kind,
      bit: 2 << index,
      optionalBit,
      slot: counts[storeOf(kind)]++,
      group: groups.indexOf(kind),
    }
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
  if (kind === undefined) throw new RangeError(`${word}: no kind of field`)
  return kind
}

function storeOf(kind: TapeFieldKind): 'numbers' | 'texts' | 'lists' {
  if (kind === 'text') return 'texts'
  return kind === 'texts' ? 'lists' : 'numbers'
}

/** The decimals of a group, of those that are packed. */
export function decimalsOf(packed: number, group: number): number {
  return (packed >> (group * 4)) & 15
}

/** The packed decimals with others for a group. */
export function withDecimals(packed: number, group: number, decimals: number): number {
  return (packed & ~(15 << (group * 4))) | (decimals << (group * 4))
}

/**
 * The whole number that a value is at so many decimals, if it is one: the value is exactly the double that is nearest to
 * the whole number divided by the power of ten. `NaN` otherwise.
 */
export function unitsOf(value: number, decimals: number): number {
  const power = powerOfTen(decimals)
  const units = Math.round(value * power)
  return units / power === value && Number.isSafeInteger(units) ? units : Number.NaN
}

/** The fewest decimals that a value is whole at; `undefined` where there are none, as of 0.1 + 0.2. */
export function decimalsFor(value: number): number | undefined {
  for (let decimals = 0; decimals <= maxDecimals; decimals++) {
    if (!Number.isNaN(unitsOf(value, decimals))) return decimals
  }
  return undefined
}
