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
  /** By item number: the index of its event, plus one; 0 if there is none. */
  #indices = new Uint32Array(1024)

  /** Adds an item with its newest event. */
  add(item: Item): void {
    const { last, number } = item
    const start = this.start(this.count)
    const end = start + last.length + 1
    if (end > this.bytes.length) this.#growBytes(end)
    if (this.count === this.#ends.length) this.#growEvents()
    if (number >= this.#indices.length) this.#growIndices(number + 1)
    last.copy(this.bytes, start)
    this.bytes[end - 1] = comma
    this.items.push(item)
    this.#ends[this.count] = end
    this.#indices[number] = ++this.count
  }

  /** The index of an item's event; -1 if there is none. */
  indexOf(itemNumber: number): number {
    return (this.#indices[itemNumber] ?? 0) - 1
  }

  start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }

  end(index: number): number {
    return (this.#ends[index] ?? 1) - 1
  }

  clear(): void {
    for (const { number } of this.items) this.#indices[number] = 0
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

  #growIndices(needed: number): void {
    const length = Math.max(needed, this.#indices.length * 2)
    this.#indices = grown(this.#indices, new Uint32Array(length))
  }
}
