import { type MarketEvent, channelOfType } from '../../../event/event.ts'
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
import { TimeWriter } from '../tape-time.ts'
import { DecoderItem } from './decoder-item.ts'
import { TapePartitions, type TapeRange } from './tape-partitions.ts'
import { TapeError, TapeReader } from './tape-reader.ts'

/** What one decoder takes at most. Beyond it is a `TapeError`, whatever the bytes say. */
export interface TapeLimits {
  /** Bytes of a frame; 16 MiB if left out. */
  readonly frameBytes?: number
  /** Events of a frame; 65,536 if left out. */
  readonly frameEvents?: number
  /** Items that are remembered, some 600 bytes each; 262,144 if left out. */
  readonly items?: number
  /** Partitions that are remembered; 16,384 if left out. */
  readonly partitions?: number
}

/** A frame that was read: messages as in `ticker.v1.json`, or events and what they cover. */
export type TapeFrame =
  | { readonly kind: 'messages'; readonly messages: readonly unknown[] }
  | {
      readonly kind: 'events'
      readonly events: readonly MarketEvent[]
      /** By the index of an event: how many earlier ones of its item it stands for. Those that are missing stand for none. */
      readonly replaced: ReadonlyMap<number, number>
      readonly ranges: readonly TapeRange[]
    }

const maxReplaced = 2 ** 32
const noneReplaced: ReadonlyMap<number, number> = new Map()

/**
 * Reads the frames of one connection, in their order (PROTOCOL.md §10). Uses nothing but `Uint8Array` and `TextDecoder`. Throws a
 * `TapeError`, and nothing else, where the bytes are wrong; from then on it throws that error again.
 */
export class TapeDecoder {
  readonly #limits: Required<TapeLimits>
  readonly #reader = new TapeReader()
  readonly #times = new TimeWriter()
  readonly #items = new Map<number, DecoderItem>()
  readonly #partitions: TapePartitions
  #fault: TapeError | undefined
  #events: MarketEvent[] = []
  /** Of the frame under way; made when it is needed. */
  #replaced: Map<number, number> | undefined
  /** How many the next event replaces; 0 if nothing was said. */
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

  /** Reads the payload of one frame. What it gives shares nothing with the frame's bytes. */
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
    if (!isDense && !isBare && head >= endOfSparseCheck) throw new TapeError(`${head}: no kind of frame`)
    this.#events = []
    this.#replaced = undefined
    this.#partitions.begin()
    const lengths = isDense || isBare ? undefined : this.#lengths()
    while (!reader.isAtEnd) this.#record(reader.number())
    if (this.#nextReplaces > 0) throw new TapeError('a count of replaced events without an event')
    const ranges = isBare
      ? this.#partitions.stated
      : isDense
        ? this.#partitions.end(head - denseFrame, endOfDenseCheck, undefined)
        : this.#partitions.end(head, endOfSparseCheck, lengths)
    return { kind: 'events', events: this.#events, replaced: this.#replaced ?? noneReplaced, ranges }
  }

  /** Twice a length each, and one more for all but the last. */
  #lengths(): number[] {
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
      const chain = this.#items.get(head - firstItem)
      if (chain === undefined) throw new TapeError(`item ${head - firstItem} changes, and is not known`)
      chain.read(this.#reader, this.#times)
      this.#take(chain)
      return
    }
    if (this.#nextReplaces > 0 && head !== recordKinds.absolute && head !== recordKinds.json) {
      throw new TapeError('a count of replaced events is followed by no event')
    }
    this.#special(head)
  }

  #special(kind: number): void {
    const reader = this.#reader
    if (kind === recordKinds.absolute) this.#take(this.#chain())
    else if (kind === recordKinds.base) this.#chain()
    else if (kind === recordKinds.replaced)
      this.#replaces(reader.numberBelow(maxReplaced, 'a count of replaced events'))
    else if (kind === recordKinds.json) this.#json()
    else if (kind === recordKinds.reset) this.#items.clear()
    else if (kind === recordKinds.covers) {
      this.#partitions.state(this.#partitions.find(reader.number()), reader.number(), reader.number())
    } else throw new TapeError(`${kind}: no kind of record`)
  }

  #chain(): DecoderItem {
    const reader = this.#reader
    const item = reader.number()
    const partition = this.#partitions.find(reader.number())
    const type = reader.byte()
    const layout = tapeLayouts.get(type)
    if (layout === undefined) throw new TapeError(`${type}: no type of event that changes`)
    const symbol = reader.text()
    if (!isSymbol(symbol)) throw new TapeError(`a text of ${symbol.length} characters is no symbol`)
    if (this.#items.size >= this.#limits.items && !this.#items.has(item)) {
      throw new TapeError(`more than ${this.#limits.items} items in one connection`)
    }
    const chain = new DecoderItem(layout, symbol, partition)
    chain.read(reader, this.#times)
    this.#items.set(item, chain)
    return chain
  }

  #replaces(count: number): void {
    if (count === 0) throw new TapeError('a count of replaced events is 0')
    this.#nextReplaces = count
  }

  #json(): void {
    const partition = this.#partitions.find(this.#reader.number())
    const length = this.#reader.number()
    const event = parsed(this.#reader.utf8(length))
    if (!isEvent(event)) throw new TapeError(`${length} bytes of JSON are no event`)
    this.#give(event, partition)
  }

  #take(chain: DecoderItem): void {
    this.#give(chain.event, chain.partition)
  }

  #give(event: MarketEvent, partition: DecoderItem['partition']): void {
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
  if (!Array.isArray(messages)) throw new TapeError('a frame of messages is no JSON array')
  return messages
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TapeError(`${text.length} characters are not JSON`, { cause })
  }
}

/** The other fields are what the gateway says: it checks every event before. */
function isEvent(value: unknown): value is MarketEvent {
  if (typeof value !== 'object' || value === null || !('T' in value)) return false
  return typeof value.T === 'string' && Object.hasOwn(channelOfType, value.T)
}
