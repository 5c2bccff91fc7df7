import type { Item } from './item.ts'

const initialBytes = 65_536
const initialEvents = 512
/** A buffer that one batch has made larger is given back. */
const keptBytes = 4 * 1024 * 1024

/** Where an event lies in the log. */
export interface Place {
  /** The number of its partition. */
  readonly partition: number
  readonly offset: number
}

/**
 * The events of one ingest batch, encoded once: one buffer with typed arrays beside it. Each event's bytes are
 * followed by one separator byte (`,`), so that a run of events is copied as one piece. It is filled, flushed
 * and reset; nothing keeps a view of it across `reset`.
 */
export class EventBatch {
  bytes = Buffer.allocUnsafeSlow(initialBytes)
  count = 0
  /** Where each event ends in `bytes`, separator included; it begins where the one before ends. */
  ends = new Uint32Array(initialEvents)
  /** The number of each event's item. */
  items = new Uint32Array(initialEvents)
  /** The number of each event's partition. */
  partitions = new Uint32Array(initialEvents)
  /** The offset of each event's record in its partition. */
  offsets = new Float64Array(initialEvents)
  /** The further items of an event that belongs to several (news). */
  readonly others = new Map<number, readonly Item[]>()

  /** Where an event begins in `bytes`. */
  start(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] ?? 0)
  }

  /** Where an event ends in `bytes`, without its separator. */
  end(index: number): number {
    return (this.ends[index] ?? 1) - 1
  }

  /** Appends an encoded event and answers its index. */
  append(encoded: string | Buffer, item: Item, place: Place): number {
    const start = this.start(this.count)
    // A UTF-16 unit takes at most three bytes in UTF-8.
    const needed = start + encoded.length * 3 + 1
    if (needed > this.bytes.length) this.#growBytes(needed)
    const length =
      typeof encoded === 'string' ? this.bytes.write(encoded, start, 'utf8') : encoded.copy(this.bytes, start)
    const end = start + length
    this.bytes[end] = 0x2c
    if (this.count === this.ends.length) this.#growEvents()
    this.ends[this.count] = end + 1
    this.items[this.count] = item.number
    this.partitions[this.count] = place.partition
    this.offsets[this.count] = place.offset
    return this.count++
  }

  reset(): void {
    this.count = 0
    // Clearing an empty map allocates 190 bytes (measured on Node 26).
    if (this.others.size > 0) this.others.clear()
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  #growBytes(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown)
    this.bytes = grown
  }

  #growEvents(): void {
    const length = this.ends.length * 2
    const { ends, items, partitions, offsets } = this
    this.ends = new Uint32Array(length)
    this.ends.set(ends)
    this.items = new Uint32Array(length)
    this.items.set(items)
    this.partitions = new Uint32Array(length)
    this.partitions.set(partitions)
    this.offsets = new Float64Array(length)
    this.offsets.set(offsets)
  }
}
