import type { MarketEvent, News } from '../../../event/event.ts'
import type { EventSource } from '../../wire-form.ts'
import { firstItem, recordKinds, tapeLayouts } from '../tape-layout.ts'
import { EncoderItem } from './encoder-item.ts'
import { TapeChange } from './tape-change.ts'
import { TapeWriter } from './tape-writer.ts'

/** A scale packs a style of times into four bits. */
const endOfStyles = 16

/** The source of an event whose record is followed by changes that were encoded elsewhere. */
export interface ScaledOrigin extends EventSource {
  /** The scale of the item there after the event (`TapeEncoder.scaleOf`). */
  readonly scale: number
}

/**
 * One chain of events: encodes each as a change of its item's last event in the chain (PROTOCOL.md §10). The
 * records are the same for every receiver and in every frame. Memory: the last event of each item.
 */
export class TapeEncoder {
  readonly #items = new Map<number, EncoderItem>()
  readonly #change = new TapeChange()
  readonly #utf8 = new TextEncoder()
  /** Where a change is written that only its item is to see; most encoders never need it. */
  #unsent: TapeWriter | undefined

  /** The number of items with an event in the chain. */
  get size(): number {
    return this.#items.size
  }

  /**
   * Appends the record of a valid event: a change; an absolute record if the item is new in the chain or in
   * this partition; or JSON.
   */
  encode(event: MarketEvent, origin: EventSource, out: TapeWriter): void {
    if (event.T === 'n') {
      this.#writeJson(event, origin, out)
      return
    }
    const known = this.#items.get(origin.item)
    if (known === undefined || known.partition !== origin.partition || known.symbol !== event.S) {
      this.#begin(event, origin, out)
    } else if (this.#change.compare(event, known)) {
      out.number(origin.item + firstItem)
      this.#change.write(known, out)
    } else {
      this.#writeJson(event, origin, out)
    }
  }

  /**
   * Appends an item's last event as an absolute record, for a receiver without any event of it. Returns false
   * if the chain has none.
   */
  absolute(item: number, out: TapeWriter): boolean {
    return this.#writeWhole(item, recordKinds.absolute, out)
  }

  /**
   * Appends an item's last event as a base: the next change refers to it, but it is no event. Returns false
   * if the chain has none.
   */
  base(item: number, out: TapeWriter): boolean {
    return this.#writeWhole(item, recordKinds.base, out)
  }

  /**
   * Returns an item's decimals and style of times as one number of 16 bits; 0 if the chain has no event of
   * it.
   */
  scaleOf(item: number): number {
    const known = this.#items.get(item)
    return known === undefined ? 0 : known.decimals * endOfStyles + known.style
  }

  /**
   * Appends an event as an absolute record that leaves its item with the given scale. Begins the item's
   * chain.
   */
  absoluteOf(event: MarketEvent, origin: ScaledOrigin, out: TapeWriter): void {
    if (event.T === 'n') {
      this.#writeJson(event, origin, out)
      return
    }
    const item = createItem(event, origin)
    if (item === undefined) return
    item.decimals = Math.floor(origin.scale / endOfStyles)
    item.style = origin.scale % endOfStyles
    this.#change.compare(event, item)
    this.#unsent ??= new TapeWriter()
    this.#unsent.clear()
    this.#change.write(item, this.#unsent)
    this.#items.set(origin.item, item)
    this.#writeWhole(origin.item, recordKinds.absolute, out)
  }

  /** Forgets an item: its next event is absolute. */
  forget(item: number): void {
    this.#items.delete(item)
  }

  /** Begins a new chain. Its receivers need a reset. */
  clear(): void {
    this.#items.clear()
  }

  #begin(event: Exclude<MarketEvent, News>, origin: EventSource, out: TapeWriter): void {
    const item = createItem(event, origin)
    if (item === undefined || !this.#change.compare(event, item)) {
      this.#writeJson(event, origin, out)
      return
    }
    writeHead(item, recordKinds.absolute, out)
    this.#change.write(item, out)
    this.#items.set(origin.item, item)
  }

  #writeWhole(number: number, kind: number, out: TapeWriter): boolean {
    const item = this.#items.get(number)
    if (item === undefined) return false
    const { layout, symbol, partition } = item
    writeHead(item, kind, out)
    this.#change.describe(item)
    this.#change.write(new EncoderItem(layout, symbol, { item: number, partition }), out)
    return true
  }

  #writeJson(event: MarketEvent, { partition, json }: EventSource, out: TapeWriter): void {
    const bytes = json ?? this.#utf8.encode(JSON.stringify(event))
    out.number(recordKinds.json)
    out.number(partition)
    out.number(bytes.length)
    out.append(bytes)
  }
}

function createItem(event: Exclude<MarketEvent, News>, origin: EventSource): EncoderItem | undefined {
  const layout = tapeLayouts.get(event.T.charCodeAt(0))
  return layout === undefined ? undefined : new EncoderItem(layout, event.S, origin)
}

function writeHead(item: EncoderItem, kind: number, out: TapeWriter): void {
  out.number(kind)
  out.number(item.number)
  out.number(item.partition)
  out.byte(item.layout.type.charCodeAt(0))
  out.text(item.symbol)
}
