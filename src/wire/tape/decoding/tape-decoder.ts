import { channelOfType, type MarketEvent } from '../../../event/event.ts'
import { isSymbol } from '../../../event/symbol.ts'
import {
  bareFrame,
  denseFrame,
  endOfDenseCheck,
  endOfSparseCheck,
  firstItem,
  jsonFrame,
  recordKinds,
  tapeLayouts,
} from '../tape-layout.ts'
import { TimeFormatter } from '../tape-time.ts'
import { DecoderItem } from './decoder-item.ts'
import { type TapePartition, TapePartitions, type TapeRange } from './tape-partitions.ts'
import { TapeError, TapeReader } from './tape-reader.ts'

/** Limits of a decoder. Beyond them it throws a `TapeError`, whatever the bytes say. */
export interface TapeLimits {
  /** Bytes of a frame; 16 MiB by default. */
  readonly frameBytes?: number
  /** Events of a frame; 65,536 by default. */
  readonly frameEvents?: number
  /** Items that are remembered, some 600 bytes each; 262,144 by default. */
  readonly items?: number
  /** Partitions that are remembered; 16,384 by default. */
  readonly partitions?: number
}

/** A decoded frame: messages as in `ticker.v1.json`, or events and the ranges that they cover. */
export type TapeFrame =
  | { readonly kind: 'messages'; readonly messages: readonly unknown[] }
  | {
      readonly kind: 'events'
      readonly events: readonly MarketEvent[]
      /**
       * By the index of an event: how many earlier events of its item it replaces. An event without an entry
       * replaces none.
       */
      readonly replaced: ReadonlyMap<number, number>
      readonly ranges: readonly TapeRange[]
    }

const maxReplaced = 2 ** 32
const noReplaced: ReadonlyMap<number, number> = new Map()

/**
 * Decodes the frames of one connection, in their order (PROTOCOL.md §10). Uses nothing but `Uint8Array` and
 * `TextDecoder`. Throws a `TapeError`, and nothing else, where the bytes are wrong, and the same error for
 * every frame after that.
 */
export class TapeDecoder {
  readonly #limits: Required<TapeLimits>
  readonly #reader = new TapeReader()
  readonly #times = new TimeFormatter()
  readonly #items = new Map<number, DecoderItem>()
  readonly #partitions: TapePartitions
  #fault: TapeError | undefined
  #events: MarketEvent[] = []
  /** Of the frame under way; undefined while no event replaces any. */
  #replaced: Map<number, number> | undefined
  /** How many events the next one replaces. */
  #nextReplaces = 0

  constructor(limits: TapeLimits = {}) {
    this.#limits = {
      frameBytes: limits.frameBytes ?? 16 * 1024 * 1024,
      frameEvents: limits.frameEvents ?? 65_536,
      items: limits.items ?? 262_144,
      partitions: limits.partitions ?? 16_384,
    }
    this.#partitions = new TapePartitions(this.#limits.partitions)
  }

  /** Decodes the payload of one frame. The result shares no memory with the payload. */
  decode(frame: Uint8Array): TapeFrame {
    if (this.#fault !== undefined) throw this.#fault
    try {
      return this.#decode(frame)
    } catch (error) {
      if (error instanceof TapeError) this.#fault = error
      throw error
    }
  }

  #decode(frame: Uint8Array): TapeFrame {
    if (frame.length > this.#limits.frameBytes) {
      throw new TapeError(`a frame of ${frame.length} bytes: expected at most ${this.#limits.frameBytes}`)
    }
    const reader = this.#reader
    reader.begin(frame)
    const head = reader.byte()
    if (head === jsonFrame) return { kind: 'messages', messages: messagesOf(reader, frame.length) }
    const isDense = head >= denseFrame
    const isBare = head === bareFrame
    if (!isDense && !isBare && head >= endOfSparseCheck)
      throw new TapeError(`${head}: expected a kind of frame`)
    this.#events = []
    this.#replaced = undefined
    this.#partitions.begin()
    const lengths = isDense || isBare ? undefined : this.#readLengths()
    while (!reader.isAtEnd) this.#record(reader.number())
    if (this.#nextReplaces > 0) throw new TapeError('a count of replaced events without an event')
    const ranges = isBare
      ? this.#partitions.stated
      : isDense
        ? this.#partitions.end(head - denseFrame, endOfDenseCheck, undefined)
        : this.#partitions.end(head, endOfSparseCheck, lengths)
    return { kind: 'events', events: this.#events, replaced: this.#replaced ?? noReplaced, ranges }
  }

  /** Reads lengths: each is doubled, and all but the last have 1 added. */
  #readLengths(): number[] {
    const lengths: number[] = []
    for (;;) {
      const number = this.#reader.number()
      lengths.push(Math.floor(number / 2))
      if (number % 2 === 0) return lengths
      if (lengths.length >= this.#limits.partitions) throw new TapeError('more lengths than partitions')
    }
  }

  #record(head: number): void {
    if (head >= firstItem) {
      const item = this.#items.get(head - firstItem)
      if (item === undefined) throw new TapeError(`item ${head - firstItem} changes, but is not known`)
      item.read(this.#reader, this.#times)
      this.#addEvent(item.event, item.partition)
      return
    }
    if (this.#nextReplaces > 0 && head !== recordKinds.absolute && head !== recordKinds.json) {
      throw new TapeError('a count of replaced events is followed by no event')
    }
    this.#readSpecial(head)
  }

  #readSpecial(kind: number): void {
    const reader = this.#reader
    if (kind === recordKinds.absolute) {
      const item = this.#readItem()
      this.#addEvent(item.event, item.partition)
    } else if (kind === recordKinds.base) this.#readItem()
    else if (kind === recordKinds.replaced) this.#readReplaced()
    else if (kind === recordKinds.json) this.#readJson()
    else if (kind === recordKinds.reset) this.#items.clear()
    else if (kind === recordKinds.covers) {
      this.#partitions.state(this.#partitions.find(reader.number()), reader.number(), reader.number())
    } else throw new TapeError(`${kind}: expected a kind of record`)
  }

  #readItem(): DecoderItem {
    const reader = this.#reader
    const number = reader.number()
    const partition = this.#partitions.find(reader.number())
    const type = reader.byte()
    const layout = tapeLayouts.get(type)
    if (layout === undefined) throw new TapeError(`${type}: expected a type of event that changes`)
    const symbol = reader.text()
    if (!isSymbol(symbol)) throw new TapeError(`a text of ${symbol.length} characters is not a symbol`)
    if (this.#items.size >= this.#limits.items && !this.#items.has(number)) {
      throw new TapeError(`more than ${this.#limits.items} items in one connection`)
    }
    const item = new DecoderItem(layout, symbol, partition)
    item.read(reader, this.#times)
    this.#items.set(number, item)
    return item
  }

  #readReplaced(): void {
    const count = this.#reader.numberBelow(maxReplaced, 'a count of replaced events')
    if (count === 0) throw new TapeError('a count of replaced events is 0')
    this.#nextReplaces = count
  }

  #readJson(): void {
    const partition = this.#partitions.find(this.#reader.number())
    const length = this.#reader.number()
    const event = parsed(this.#reader.utf8(length))
    if (!isEvent(event)) throw new TapeError(`${length} bytes of JSON are not an event`)
    this.#addEvent(event, partition)
  }

  #addEvent(event: MarketEvent, partition: TapePartition): void {
    if (this.#events.length >= this.#limits.frameEvents) {
      throw new TapeError(`more than ${this.#limits.frameEvents} events in a frame`)
    }
    const replaces = this.#nextReplaces
    if (replaces > 0) {
      this.#replaced ??= new Map()
      this.#replaced.set(this.#events.length, replaces)
      this.#nextReplaces = 0
    }
    this.#events.push(event)
    this.#partitions.count(partition, 1 + replaces)
  }
}

function messagesOf(reader: TapeReader, length: number): readonly unknown[] {
  reader.at = 0
  const messages = parsed(reader.utf8(length))
  if (!Array.isArray(messages)) throw new TapeError('a frame of messages is not a JSON array')
  return messages
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TapeError(`${text.length} characters are not JSON`, { cause })
  }
}

/** The other fields need no check: the gateway checks every event. */
function isEvent(value: unknown): value is MarketEvent {
  if (typeof value !== 'object' || value === null || !('T' in value)) return false
  return typeof value.T === 'string' && Object.hasOwn(channelOfType, value.T)
}
