import type { EventType } from '../../event/event.ts'

/** The types of events that travel as changes; news never does. */
export type TapeType = Exclude<EventType, 'n'>

/**
 * How a field is written: a number with the decimals of a group (`price`, `size`, `average`), a whole number (`count`), one that
 * is expected to be one more than the last (`step`), a text, or a list of texts.
 */
export type FieldKind = 'price' | 'size' | 'average' | 'count' | 'step' | 'text' | 'texts'

/** A field of a type, beside its time. */
export interface TapeField {
  readonly name: string
  readonly kind: FieldKind
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
const groups: readonly FieldKind[] = ['price', 'size', 'average']
/** The highest number of decimals of a group. */
export const maxDecimals = 15
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

function kindOf(word: string): FieldKind {
  const kinds: readonly FieldKind[] = ['price', 'size', 'average', 'count', 'step', 'text', 'texts']
  const kind = kinds.find(name => name === word)
  if (kind === undefined) throw new RangeError(`${word}: no kind of field`)
  return kind
}

function storeOf(kind: FieldKind): 'numbers' | 'texts' | 'lists' {
  if (kind === 'text') return 'texts'
  return kind === 'texts' ? 'lists' : 'numbers'
}
