import type { TapeField, TapeLayout } from '../tape-layout.ts'

/** The time of an item that has had no event. */
const blankTime = '1970-01-01T00:00:00Z'

/** What an encoder keeps of an item: its last event, in the units of the wire. Made blank: what an absolute record begins from. */
export class EncoderItem {
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
  readonly values: number[]
  readonly units: number[]
  readonly texts: string[]
  readonly lists: (readonly string[])[]

  constructor(
    layout: TapeLayout,
    symbol: string,
    place: { readonly item: number; readonly partition: number },
  ) {
    this.layout = layout
    this.symbol = symbol
    this.number = place.item
    this.partition = place.partition
    this.values = Array.from({ length: layout.numbers }, () => 0)
    this.units = Array.from({ length: layout.numbers }, () => 0)
    this.texts = Array.from({ length: layout.texts }, () => '')
    this.lists = Array.from({ length: layout.lists }, () => none)
  }

  /** Makes a field what it is when it is absent. */
  blank({ slot, kind }: TapeField): void {
    if (kind === 'text') this.texts[slot] = ''
    else if (kind === 'texts') this.lists[slot] = none
    else {
      this.values[slot] = 0
      this.units[slot] = 0
    }
  }

  /** Whether a field is what a change of a blank item leaves of it. */
  isBlank({ slot, kind }: TapeField): boolean {
    if (kind === 'text') return this.texts[slot] === ''
    if (kind === 'texts') return this.lists[slot]?.length === 0
    return this.units[slot] === (kind === 'step' ? 1 : 0)
  }
}

const none: readonly string[] = []
