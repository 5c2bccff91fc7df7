import type { MarketEvent, News } from '../../../event/event.ts'
import { decimalsFor, decimalsOf, type TapeField, timeBit, unitsOf, withDecimals } from '../tape-layout.ts'
import { TimeParser, trimmedStyle, unitsPerSecond } from '../tape-time.ts'
import type { EncoderItem } from './encoder-item.ts'
import type { TapeWriter } from './tape-writer.ts'

/** After a longer step the time is written in full. */
const maxTimeStep = 2 ** 52
const maxFields = 16
/** A group gets fewer decimals when the numbers of so many events in a row need fewer. */
const eventsBeforeSparing = 16

/**
 * The change of an item by an event. One object serves one event after another: `compare` or `describe`, then
 * `write`. `compare` leaves the item as it is, so that an event that cannot be written as a change has no
 * effect.
 */
export class TapeChange {
  #bits = 0
  #presence = 0
  #decimals = 0
  /** One bit a group: its decimals do not suffice; some number needs all of them; some number needs fewer. */
  #tooCoarse = 0
  #inNeed = 0
  #toSpare = 0
  #style = 0
  #seconds = 0
  #fraction = 0
  #time = ''
  readonly #values = new Float64Array(maxFields)
  readonly #units = new Float64Array(maxFields)
  readonly #texts: string[] = Array.from({ length: maxFields }, () => '')
  readonly #lists: (readonly string[])[] = Array.from({ length: maxFields }, () => [])
  readonly #parser = new TimeParser()

  /**
   * Finds what an event of the item's type changes. Returns false if it has a value that only JSON can
   * express.
   */
  compare(event: Exclude<MarketEvent, News>, item: EncoderItem): boolean {
    this.#bits = 0
    this.#presence = 0
    this.#tooCoarse = 0
    this.#inNeed = 0
    this.#toSpare = 0
    this.#decimals = item.decimals
    if (event.t !== item.time && !this.#compareTime(event.t, item)) return false
    const values = fieldsOf(event)
    for (const field of item.layout.fields) {
      const value = values[field.name]
      if (value === undefined) continue
      this.#presence |= field.optionalBit
      if (!this.#compareField(value, field, item)) return false
    }
    if (this.#presence !== item.presence) this.#bits |= item.layout.presenceBit
    if (item.spared >= eventsBeforeSparing) this.#tooCoarse |= this.#toSpare & ~this.#inNeed
    return this.#tooCoarse === 0 || this.#adjust(values, item)
  }

  /** Takes the whole item as a change of a blank one. */
  describe(item: EncoderItem): void {
    const { fields, presenceBit, decimalsBit, clockBit } = item.layout
    this.#presence = item.presence
    this.#decimals = item.decimals
    this.#style = item.style
    this.#seconds = item.seconds
    this.#fraction = item.fraction
    this.#time = item.time
    this.#bits = clockBit
    if (item.presence !== 0) this.#bits |= presenceBit
    if (item.decimals !== 0) this.#bits |= decimalsBit
    for (const field of fields) {
      const { slot, bit, optionalBit, kind } = field
      if (optionalBit !== 0 && (item.presence & optionalBit) === 0) continue
      if (kind === 'text') this.#texts[slot] = item.texts[slot] ?? ''
      else if (kind === 'texts') this.#lists[slot] = item.lists[slot] ?? []
      else {
        this.#values[slot] = item.values[slot] ?? 0
        this.#units[slot] = item.units[slot] ?? 0
      }
      if (!item.isBlank(field)) this.#bits |= bit
    }
  }

  /** Writes the change, and applies it to the item. */
  write(item: EncoderItem, out: TapeWriter): void {
    const { fields, presenceBit, decimalsBit, clockBit } = item.layout
    const bits = this.#bits
    out.number(bits)
    if (this.#inNeed !== 0 || this.#tooCoarse !== 0) item.spared = 0
    else if (this.#toSpare !== 0) item.spared++
    if ((bits & presenceBit) !== 0) this.#writePresence(item, out)
    if ((bits & decimalsBit) !== 0) this.#writeDecimals(item, out)
    if ((bits & (clockBit | timeBit)) !== 0) this.#writeTime(item, out)
    for (const field of fields) {
      if ((bits & field.bit) !== 0) this.#writeField(field, item, out)
      else if (field.kind === 'step' && (this.#presence & field.optionalBit) !== 0) countUp(field, item)
    }
  }

  #compareTime(text: string, item: EncoderItem): boolean {
    const parser = this.#parser
    if (!parser.parse(text)) return false
    const { seconds, digits, fraction } = parser
    this.#time = text
    this.#seconds = seconds
    const isTrimmed = digits === 0 || fraction % 10 !== 0
    const isFitting = item.style === trimmedStyle ? isTrimmed : item.style === digits
    this.#style = isFitting ? item.style : isTrimmed && item.seconds > 0 ? trimmedStyle : digits
    this.#fraction = this.#style === trimmedStyle ? fraction * 10 ** (9 - digits) : fraction
    const step = (seconds - item.seconds) * unitsPerSecond(item.style) + this.#fraction - item.fraction
    this.#bits |= isFitting && step >= 0 && step <= maxTimeStep ? timeBit : item.layout.clockBit
    return true
  }

  #compareField(value: unknown, field: TapeField, item: EncoderItem): boolean {
    const { slot, bit, kind } = field
    if (typeof value === 'number') {
      if (value === item.values[slot] && kind !== 'step') return true
      return this.#compareNumber(value, field, item)
    }
    if (typeof value === 'string') {
      if (kind !== 'text') return false
      if (value === item.texts[slot]) return true
      this.#texts[slot] = value
      this.#bits |= bit
      return value.isWellFormed()
    }
    if (!isTexts(value)) return false
    if (isSame(value, item.lists[slot] ?? [])) return true
    this.#lists[slot] = value
    this.#bits |= bit
    return value.every(text => text.isWellFormed())
  }

  #compareNumber(value: number, { slot, bit, kind, group }: TapeField, item: EncoderItem): boolean {
    const units = group < 0 ? value : this.#unitsIn(group, value, item)
    const step = units - (item.units[slot] ?? 0) - (kind === 'step' ? 1 : 0)
    if (step !== 0) this.#bits |= bit
    this.#values[slot] = value
    this.#units[slot] = units
    return !(Math.abs(step) > Number.MAX_SAFE_INTEGER)
  }

  #unitsIn(group: number, value: number, item: EncoderItem): number {
    const decimals = decimalsOf(item.decimals, group)
    const units = unitsOf(value, decimals)
    if (Number.isNaN(units)) this.#tooCoarse |= 1 << group
    else if (decimals > 0 && units % 10 === 0) this.#toSpare |= 1 << group
    else if (decimals > 0) this.#inNeed |= 1 << group
    return units
  }

  /**
   * Gives the groups in `#tooCoarse` the decimals that they need; their numbers change from 0. Returns false
   * if no decimals suffice.
   */
  #adjust(values: Readonly<Record<string, unknown>>, item: EncoderItem): boolean {
    const { fields, decimalsBit } = item.layout
    for (let group = 0; this.#tooCoarse >> group > 0; group++) {
      if ((this.#tooCoarse & (1 << group)) === 0) continue
      const numbered = fields.filter(field => field.group === group && values[field.name] !== undefined)
      const needed = numbered.map(({ name }) => decimalsFor(Number(values[name])))
      if (needed.includes(undefined)) return false
      const decimals = Math.max(...needed.map(Number))
      if (decimals === decimalsOf(item.decimals, group)) {
        if (numbered.some(field => this.#isTooLarge(field))) return false
        continue
      }
      this.#decimals = withDecimals(this.#decimals, group, decimals)
      this.#bits |= decimalsBit
      if (!numbered.every(field => this.#restate(Number(values[field.name]), field))) return false
    }
    return true
  }

  /** Whether a number changes that is too large for the decimals of its group. */
  #isTooLarge({ slot, bit }: TapeField): boolean {
    return (this.#bits & bit) !== 0 && Number.isNaN(this.#units[slot])
  }

  /** Takes a number as a change from 0. Returns false if the decimals of its group do not suffice. */
  #restate(value: number, { slot, bit, group }: TapeField): boolean {
    const units = unitsOf(value, decimalsOf(this.#decimals, group))
    this.#values[slot] = value
    this.#units[slot] = units
    this.#bits = units === 0 ? this.#bits & ~bit : this.#bits | bit
    return !Number.isNaN(units)
  }

  #writePresence(item: EncoderItem, out: TapeWriter): void {
    out.number(this.#presence)
    for (const field of item.layout.fields) {
      if (field.optionalBit !== 0 && (this.#presence & field.optionalBit) === 0) item.blank(field)
    }
    item.presence = this.#presence
  }

  #writeDecimals(item: EncoderItem, out: TapeWriter): void {
    out.number(this.#decimals)
    for (const field of item.layout.fields) {
      const { group } = field
      if (group < 0) continue
      if (decimalsOf(this.#decimals, group) !== decimalsOf(item.decimals, group)) item.blank(field)
    }
    item.decimals = this.#decimals
  }

  #writeTime(item: EncoderItem, out: TapeWriter): void {
    if ((this.#bits & timeBit) !== 0) {
      out.number(
        (this.#seconds - item.seconds) * unitsPerSecond(this.#style) + this.#fraction - item.fraction,
      )
    } else {
      out.byte(this.#style)
      out.number(this.#seconds)
      out.number(this.#fraction)
    }
    item.style = this.#style
    item.seconds = this.#seconds
    item.fraction = this.#fraction
    item.time = this.#time
  }

  #writeField({ slot, kind }: TapeField, item: EncoderItem, out: TapeWriter): void {
    if (kind === 'text') {
      const text = this.#texts[slot] ?? ''
      out.text(text)
      item.texts[slot] = text
    } else if (kind === 'texts') {
      const list = this.#lists[slot] ?? []
      out.texts(list)
      item.lists[slot] = list
    } else {
      const units = this.#units[slot] ?? 0
      const step = units - (item.units[slot] ?? 0)
      if (kind === 'size') out.sizeChange(step)
      else out.signed(kind === 'step' ? step - 1 : step)
      item.units[slot] = units
      item.values[slot] = this.#values[slot] ?? 0
    }
  }
}

function countUp({ slot }: TapeField, item: EncoderItem): void {
  const units = (item.units[slot] ?? 0) + 1
  item.units[slot] = units
  item.values[slot] = units
}

/** The fields of an event by name. The event was checked before. */
function fieldsOf(event: object): Readonly<Record<string, unknown>> {
  return event as Readonly<Record<string, unknown>>
}

/** An array in a checked event holds texts. */
function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value)
}

function isSame(list: readonly string[], other: readonly string[]): boolean {
  if (list.length !== other.length) return false
  for (let index = 0; index < list.length; index++) if (list[index] !== other[index]) return false
  return true
}
