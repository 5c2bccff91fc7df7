import type { MarketEvent, News } from '../../../event/event.ts'
import { firstItem, recordKinds, tapeLayouts } from '../tape-layout.ts'
import { EncoderItem } from './encoder-item.ts'
import { TapeChange } from './tape-change.ts'
import { TapeWriter } from './tape-writer.ts'

/** Styles of times take four bits. */
const endOfStyles = 16
const scratch = new TapeWriter()

/** Which item an event belongs to, and where it comes from. */
export interface TapePlace {
  /** The item's number in this process. */
  readonly item: number
  /** The number of the event's partition. */
  readonly partition: number
  /** The event in JSON, where it is at hand. */
  readonly json?: Uint8Array | undefined
}

/** Where an event's record goes that others follow, which have the decimals and the style of times that they have. */
export interface ScaledPlace extends TapePlace {
  /** As `TapeEncoder.scaleOf` said. */
  readonly scale: number
}

/**
 * One chain of events: writes each as what it changes in its item since that item's last event in this chain (PROTOCOL.md §10).
 * The records are the same for every receiver, whatever frames they go into. Memory: the last event of each item.
 */
export class TapeEncoder {
  readonly #items = new Map<number, EncoderItem>()
  readonly #change = new TapeChange()
  readonly #utf8 = new TextEncoder()

  /** How many items have an event in this chain. */
  get size(): number {
    return this.#items.size
  }

  /** Appends the record of a valid event: a change, an absolute record if the item is new in the chain or in this partition, else JSON. */
  encode(event: MarketEvent, place: TapePlace, out: TapeWriter): void {
    if (event.T === 'n') {
      this.#writeJson(event, place, out)
      return
    }
    const known = this.#items.get(place.item)
    if (known === undefined || known.partition !== place.partition || known.symbol !== event.S) {
      this.#begin(event, place, out)
    } else if (this.#change.compare(event, known)) {
      out.number(place.item + firstItem)
      this.#change.write(known, out)
    } else {
      this.#writeJson(event, place, out)
    }
  }

  /** Appends the last event of an item as an absolute record, for a receiver that has no event of it. False if the chain has none. */
  absolute(item: number, out: TapeWriter): boolean {
    return this.#whole(item, recordKinds.absolute, out)
  }

  /** Appends the last event of an item as a base: what the next change is against, not an event. False if the chain has none. */
  base(item: number, out: TapeWriter): boolean {
    return this.#whole(item, recordKinds.base, out)
  }

  /** The decimals of an item and its style of times, as one number of 16 bits; 0 if the chain has no event of it. */
  scaleOf(item: number): number {
    const known = this.#items.get(item)
    return known === undefined ? 0 : known.decimals * endOfStyles + known.style
  }

  /** Appends an event as an absolute record that leaves its item with a scale which the event had elsewhere. Begins the item's chain. */
  absoluteOf(event: MarketEvent, place: ScaledPlace, out: TapeWriter): void {
    if (event.T === 'n') {
      this.#writeJson(event, place, out)
      return
    }
    const item = blankItem(event, place)
    if (item === undefined) return
    item.decimals = Math.floor(place.scale / endOfStyles)
    item.style = place.scale % endOfStyles
    this.#change.compare(event, item)
    scratch.clear()
    this.#change.write(item, scratch)
    this.#items.set(place.item, item)
    this.#whole(place.item, recordKinds.absolute, out)
  }

  /** Lets go of an item: its next event is absolute. */
  forget(item: number): void {
    this.#items.delete(item)
  }

  /** Begins a new chain. Receivers are told by a reset. */
  clear(): void {
    this.#items.clear()
  }

  #begin(event: Exclude<MarketEvent, News>, place: TapePlace, out: TapeWriter): void {
    const item = blankItem(event, place)
    if (item === undefined || !this.#change.compare(event, item)) {
      this.#writeJson(event, place, out)
      return
    }
    writeHead(item, recordKinds.absolute, out)
    this.#change.write(item, out)
    this.#items.set(place.item, item)
  }

  #whole(number: number, kind: number, out: TapeWriter): boolean {
    const item = this.#items.get(number)
    if (item === undefined) return false
    writeHead(item, kind, out)
    this.#change.describe(item)
    this.#change.write(
      new EncoderItem(item.layout, item.symbol, { item: number, partition: item.partition }),
      out,
    )
    return true
  }

  #writeJson(event: MarketEvent, { partition, json }: TapePlace, out: TapeWriter): void {
    const bytes = json ?? this.#utf8.encode(JSON.stringify(event))
    out.number(recordKinds.json)
    out.number(partition)
    out.number(bytes.length)
    out.append(bytes)
  }
}

function blankItem(event: Exclude<MarketEvent, News>, place: TapePlace): EncoderItem | undefined {
  const layout = tapeLayouts.get(event.T.charCodeAt(0))
  return layout === undefined ? undefined : new EncoderItem(layout, event.S, place)
}

function writeHead(item: EncoderItem, kind: number, out: TapeWriter): void {
  out.number(kind)
  out.number(item.number)
  out.number(item.partition)
  out.byte(item.layout.type.charCodeAt(0))
  out.text(item.symbol)
}
