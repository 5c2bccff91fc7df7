import type { Channel } from '../../event/event.ts'
import { grown } from '../number-list.ts'
import type { Item } from './item.ts'

const comma = 0x2c
const initialBytes = 65_536
const initialEvents = 512
/** A buffer that one batch has made larger than this is given back. */
const keptBytes = 4 * 1024 * 1024

/** Where an event lies in the log. */
export interface EventPosition {
  /** The number of its partition. */
  readonly partition: number
  readonly offset: number
}

/**
 * The events of one ingest batch, encoded once, in one buffer with columns beside it. Each event is followed
 * by one separator byte (`,`), so that neighbours are copied as one piece. A batch is filled, flushed and
 * reset; nobody keeps a view of it beyond that.
 */
export class EventBatch {
  bytes = Buffer.allocUnsafeSlow(initialBytes)
  count = 0
  /** Where each event ends in `bytes`, separator included. It begins where the one before ends. */
  ends = new Uint32Array(initialEvents)
  /** The number of each event's item; of an event with several items, the first. */
  items = new Uint32Array(initialEvents)
  readonly channels: Channel[] = []
  /** The number of each event's partition. */
  partitions = new Uint32Array(initialEvents)
  /** The offset of each event's record in its partition. */
  offsets = new Float64Array(initialEvents)
  /** By event: its further items, if it has several (news). */
  readonly others = new Map<number, readonly Item[]>()

  /** Where an event begins in `bytes`. */
  start(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] ?? 0)
  }

  /** Where an event ends in `bytes`, without its separator. */
  end(index: number): number {
    return (this.ends[index] ?? 1) - 1
  }

  /** Appends an encoded event, and returns its index. */
  append(encoded: string | Buffer, item: Item, position: EventPosition): number {
    const start = this.start(this.count)
    // A UTF-16 unit takes at most three bytes in UTF-8.
    const needed = start + encoded.length * 3 + 1
    if (needed > this.bytes.length) this.#growBytes(needed)
    const length =
      typeof encoded === 'string' ? this.bytes.write(encoded, start, 'utf8') : encoded.copy(this.bytes, start)
    const end = start + length
    this.bytes[end] = comma
    if (this.count === this.ends.length) this.#growEvents()
    this.ends[this.count] = end + 1
    this.items[this.count] = item.number
    this.channels[this.count] = item.channel
    this.partitions[this.count] = position.partition
    this.offsets[this.count] = position.offset
    return this.count++
  }

  reset(): void {
    this.count = 0
    // Clearing an empty map allocates 190 bytes (measured on Node 26).
    if (this.others.size > 0) this.others.clear()
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  #growBytes(needed: number): void {
    const length = Math.max(needed, this.bytes.length * 2)
    this.bytes = grown(this.bytes, Buffer.allocUnsafeSlow(length))
  }

  #growEvents(): void {
    const length = this.ends.length * 2
    this.ends = grown(this.ends, new Uint32Array(length))
    this.items = grown(this.items, new Uint32Array(length))
    this.partitions = grown(this.partitions, new Uint32Array(length))
    this.offsets = grown(this.offsets, new Float64Array(length))
  }
}
