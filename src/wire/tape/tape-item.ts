import type { TapeLayout } from './tape-layout.ts'

/** The time of an item that has had no event. */
const blankTime = '1970-01-01T00:00:00Z'

/** What an encoder keeps of an item: its last event, in the units of the wire. Made blank: what an absolute record begins from. */
export class TapeItem {
  readonly layout: TapeLayout
  readonly symbol: string
  readonly number: number
  readonly partition: number
  /** The optional bits of the fields that the last event had. */
  presence = 0
  /** Of the groups, packed. */
  decimals = 0
  /** How times are written: with so many fraction digits, or trimmed. */
  style = 0
  seconds = 0
  fraction = 0
  time = blankTime
  /** How many events on end had numbers that would have done with fewer decimals. */
  spared = 0
  /** By slot: the numbers of the last event, and the whole numbers they are on the wire; 0 where absent. */
  readonly values: Float64Array
  readonly units: Float64Array
  readonly texts: string[]
  readonly lists: (readonly string[])[]

  constructor(
    layout: TapeLayout,
    symbol: string,
    place: { readonly item: number; readonly partition: number },
  ) {
    const count = layout.fields.length
    this.layout = layout
    this.symbol = symbol
    this.number = place.item
    this.partition = place.partition
    this.values = new Float64Array(count)
    this.units = new Float64Array(count)
    this.texts = Array.from({ length: count }, () => '')
    this.lists = Array.from({ length: count }, () => none)
  }

  /** What a field is when it is absent. */
  blank(slot: number): void {
    this.values[slot] = 0
    this.units[slot] = 0
    this.texts[slot] = ''
    this.lists[slot] = none
  }
}

const none: readonly string[] = []
