import type { Positions } from '../../wire/coverage.ts'
import type { EncodedEvents } from '../../wire/wire-form.ts'
import type { Item } from '../last-values/item.ts'
import { grown, NumberList } from '../number-list.ts'

const comma = 0x2c
const initialBytes = 16_384
/** A buffer that one batch has made larger than this is given back. */
const keptBytes = 1_048_576
const noOffsets = new Float64Array(0)

/**
 * The newest event of each item that changed in an interval, as of the interval's end. Filled at once, read
 * until every member got its part of it while the next interval is under way, then used again.
 */
export class ConflatedBatch implements EncodedEvents {
  bytes = Buffer.allocUnsafeSlow(initialBytes)
  count = 0
  /** The item of each event. */
  items: Item[] = []
  /**
   * For the frames that are being built: which events go into them, and how many earlier events each of these
   * replaces.
   */
  readonly chosen = new NumberList()
  replaced = new Uint32Array(256)
  /** Conflated events state no positions. */
  readonly partitions = new Uint32Array(0)
  readonly offsets = noOffsets
  /** How far the log had been read when the interval ended. */
  positions: Positions = []
  #ends = new Uint32Array(256)
  readonly #indices: IndexByItem

  /** Without another index by item it has one that is fast, and takes memory for every item there is. */
  constructor(indices: IndexByItem = new IndexColumn()) {
    this.#indices = indices
  }

  /** Adds an item with its newest event. */
  add(item: Item, event: Buffer): void {
    const { number } = item
    const start = this.start(this.count)
    const end = start + event.length + 1
    if (end > this.bytes.length) this.#growBytes(end)
    if (this.count === this.#ends.length) this.#growEvents()
    event.copy(this.bytes, start)
    this.bytes[end - 1] = comma
    this.items.push(item)
    this.#ends[this.count] = end
    this.#indices.set(number, this.count)
    this.count++
  }

  /** The index of an item's event; -1 if there is none. */
  indexOf(itemNumber: number): number {
    return this.#indices.get(itemNumber) ?? -1
  }

  /** An item's event; `undefined` if there is none. */
  eventOf(itemNumber: number): Buffer | undefined {
    const index = this.indexOf(itemNumber)
    return index < 0 ? undefined : this.bytes.subarray(this.start(index), this.end(index))
  }

  start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }

  end(index: number): number {
    return (this.#ends[index] ?? 1) - 1
  }

  clear(): void {
    for (const { number } of this.items) this.#indices.delete(number)
    this.items = []
    this.count = 0
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  #growBytes(needed: number): void {
    const length = Math.max(needed, this.bytes.length * 2)
    this.bytes = grown(this.bytes, Buffer.allocUnsafeSlow(length))
  }

  #growEvents(): void {
    const length = this.count * 2
    this.#ends = grown(this.#ends, new Uint32Array(length))
    this.replaced = grown(this.replaced, new Uint32Array(length))
  }
}

/** By item number: the index of its event. */
interface IndexByItem {
  get(itemNumber: number): number | undefined
  set(itemNumber: number, index: number): unknown
  delete(itemNumber: number): unknown
}

class IndexColumn implements IndexByItem {
  /** The index plus one; 0 if there is none. */
  #indices = new Uint32Array(1024)

  get(itemNumber: number): number | undefined {
    const index = this.#indices[itemNumber] ?? 0
    return index === 0 ? undefined : index - 1
  }

  set(itemNumber: number, index: number): void {
    if (itemNumber >= this.#indices.length) {
      const length = Math.max(itemNumber + 1, this.#indices.length * 2)
      this.#indices = grown(this.#indices, new Uint32Array(length))
    }
    this.#indices[itemNumber] = index + 1
  }

  delete(itemNumber: number): void {
    this.#indices[itemNumber] = 0
  }
}
