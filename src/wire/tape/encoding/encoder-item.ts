import type { TapeField, TapeLayout } from '../tape-layout.ts'

/** The time of an item without an event. */
const blankTime = '1970-01-01T00:00:00Z'
const noTexts: readonly string[] = []

/**
 * An encoder's state of an item: its last event, in the units of the wire. A new one is blank, as an absolute
 * record assumes.
 */
export class EncoderItem {
  readonly layout: TapeLayout
  readonly symbol: string
  readonly number: number
  readonly partition: number
  /** The bits of the optional fields of the last event. */
  presence = 0
  /** The decimals of the groups, packed. */
  decimals = 0
  /** The style of times: a number of fraction digits, or `trimmedStyle`. */
  style = 0
  seconds = 0
  fraction = 0
  time = blankTime
  /** How many events in a row had numbers that need fewer decimals. */
  spared = 0
  /** By slot: the numbers of the last event, and their units on the wire; 0 where a field is absent. */
  readonly values: number[]
  readonly units: number[]
  readonly texts: string[]
  readonly lists: (readonly string[])[]

  constructor(
    layout: TapeLayout,
    symbol: string,
    origin: { readonly item: number; readonly partition: number },
  ) {
    this.layout = layout
    this.symbol = symbol
    this.number = origin.item
    this.partition = origin.partition
    this.values = Array.from({ length: layout.numbers }, () => 0)
    this.units = Array.from({ length: layout.numbers }, () => 0)
    this.texts = Array.from({ length: layout.texts }, () => '')
    this.lists = Array.from({ length: layout.lists }, () => noTexts)
  }

  /** Gives a field the value of an absent one. */
  blank({ slot, kind }: TapeField): void {
    if (kind === 'text') this.texts[slot] = ''
    else if (kind === 'texts') this.lists[slot] = noTexts
    else {
      this.values[slot] = 0
      this.units[slot] = 0
    }
  }

  /** Whether a field has the value that it gets in a blank item by a change that does not mention it. */
  isBlank({ slot, kind }: TapeField): boolean {
    if (kind === 'text') return this.texts[slot] === ''
    if (kind === 'texts') return this.lists[slot]?.length === 0
    return this.units[slot] === (kind === 'step' ? 1 : 0)
  }
}
