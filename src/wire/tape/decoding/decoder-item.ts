import type { MarketEvent } from '../../../event/event.ts'
import { decimalsOf, endOfDecimals, type TapeField, type TapeLayout, timeBit } from '../tape-layout.ts'
import { endOfSeconds, powerOfTen, type TimeFormatter, trimmedStyle, unitsPerSecond } from '../tape-time.ts'
import type { TapePartition } from './tape-partitions.ts'
import { TapeError, type TapeReader } from './tape-reader.ts'

const maxTimeStep = 2 ** 52
const noTexts: readonly string[] = Object.freeze([])

/** A decoder's state of an item: its last event, in the units of the wire and as an object. */
export class DecoderItem {
  readonly partition: TapePartition
  readonly #layout: TapeLayout
  readonly #units: number[]
  #presence = 0
  #decimals = 0
  #style = 0
  #seconds = 0
  #fraction = 0
  /** The last event; only copies of it are returned. */
  #event: Record<string, unknown>

  constructor(layout: TapeLayout, symbol: string, partition: TapePartition) {
    this.partition = partition
    this.#layout = layout
    this.#units = Array.from({ length: layout.numbers }, () => 0)
    this.#event = { T: layout.type, S: symbol, t: '1970-01-01T00:00:00Z' }
    this.#arrange()
  }

  /** A copy of the last event. */
  get event(): MarketEvent {
    return asEvent({ ...this.#event })
  }

  /** Reads a change and applies it to the last event. */
  read(reader: TapeReader, times: TimeFormatter): void {
    const { fields, presenceBit, decimalsBit, clockBit, endOfBits } = this.#layout
    const bits = reader.numberBelow(endOfBits, 'the bits of a change')
    if ((bits & presenceBit) !== 0) this.#readPresence(reader)
    if ((bits & decimalsBit) !== 0) this.#readDecimals(reader)
    if ((bits & (clockBit | timeBit)) !== 0) this.#readTime(bits, reader, times)
    for (const field of fields) {
      if ((bits & field.bit) !== 0) this.#readField(field, reader)
      else if (field.kind === 'step' && this.#has(field))
        this.#setUnits(field, (this.#units[field.slot] ?? 0) + 1)
    }
  }

  #has({ optionalBit }: TapeField): boolean {
    return optionalBit === 0 || (this.#presence & optionalBit) !== 0
  }

  #readPresence(reader: TapeReader): void {
    this.#presence = reader.numberBelow(this.#layout.endOfOptionalBits, 'the optional fields')
    this.#arrange()
  }

  /** Makes the event anew with the fields that are present now, so that their order is always the same. */
  #arrange(): void {
    const before = this.#event
    this.#event = { T: before['T'], S: before['S'], t: before['t'] }
    for (const field of this.#layout.fields) {
      const { name, slot, kind } = field
      const blank = kind === 'text' ? '' : kind === 'texts' ? noTexts : 0
      if (this.#has(field)) this.#event[name] = before[name] ?? blank
      else if (blank === 0) this.#units[slot] = 0
    }
  }

  #readDecimals(reader: TapeReader): void {
    const before = this.#decimals
    this.#decimals = reader.numberBelow(endOfDecimals, 'the decimals')
    for (const field of this.#layout.fields) {
      const { group } = field
      if (group < 0 || decimalsOf(before, group) === decimalsOf(this.#decimals, group)) continue
      if (this.#has(field)) this.#setUnits(field, 0)
    }
  }

  #readTime(bits: number, reader: TapeReader, times: TimeFormatter): void {
    if ((bits & timeBit) !== 0) this.#readStep(bits, reader)
    else this.#readClock(reader)
    if (this.#seconds >= endOfSeconds) throw new TapeError(`${this.#seconds} s: a time after the year 9999`)
    this.#event['t'] = times.format(this.#seconds, this.#fraction, this.#style)
  }

  #readStep(bits: number, reader: TapeReader): void {
    if ((bits & this.#layout.clockBit) !== 0) throw new TapeError('a time is both in full and a step')
    const perSecond = unitsPerSecond(this.#style)
    const fraction = this.#fraction + reader.numberBelow(maxTimeStep + 1, 'a step of time')
    this.#fraction = fraction % perSecond
    this.#seconds += Math.floor(fraction / perSecond)
  }

  #readClock(reader: TapeReader): void {
    this.#style = reader.byte()
    if (this.#style > trimmedStyle) throw new TapeError(`${this.#style}: expected a style of times`)
    this.#seconds = reader.numberBelow(endOfSeconds, 'the seconds of a time')
    this.#fraction = reader.numberBelow(unitsPerSecond(this.#style), 'the fraction of a time')
  }

  #readField(field: TapeField, reader: TapeReader): void {
    const { name, kind, slot } = field
    if (!this.#has(field)) throw new TapeError(`${this.#layout.type}.${name} changes, but is absent`)
    if (kind === 'text') this.#event[name] = reader.text()
    else if (kind === 'texts') this.#event[name] = reader.texts()
    else {
      const step = kind === 'size' ? reader.sizeChange() : reader.signed()
      this.#setUnits(field, (this.#units[slot] ?? 0) + step + (kind === 'step' ? 1 : 0))
    }
  }

  #setUnits({ name, kind, slot, group }: TapeField, units: number): void {
    const isPrice = kind === 'price' || kind === 'average'
    if (units > Number.MAX_SAFE_INTEGER || units < (isPrice ? -Number.MAX_SAFE_INTEGER : 0)) {
      throw new TapeError(`${this.#layout.type}.${name} becomes ${units}, which it cannot be`)
    }
    this.#units[slot] = units
    this.#event[name] = group < 0 ? units : units / powerOfTen(decimalsOf(this.#decimals, group))
  }
}

/** Every field that the type requires is there from the beginning. */
function asEvent(value: object): MarketEvent {
  return value as MarketEvent
}
