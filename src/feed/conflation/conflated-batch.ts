import type { Item } from '../last-values/item.ts'
import type { Positions } from '../../wire/coverage.ts'
import type { EncodedEvents } from '../../wire/wire-form.ts'

const comma = 0x2c
const initialBytes = 16_384
/** A buffer that one tick has made larger is given back. */
const keptBytes = 1_048_576
const none = new Float64Array(0)

/**
 * What changed in an interval, as it was when the interval ended: the newest event of each item. It is filled at once and read until
 * everyone was told, while the next interval is counted; then it is used again.
 */
export class ConflatedBatch implements EncodedEvents {
  bytes = Buffer.allocUnsafeSlow(initialBytes)
  count = 0
  /** The item of each event. */
  items: Item[] = []
  /** For the frame that is being made. */
  replaced = new Uint32Array(256)
  /** Conflated events say nothing of positions. */
  readonly partitions = new Uint32Array(0)
  readonly offsets = none
  /** How far the log was read when the interval ended. */
  positions: Positions = []
  #ends = new Uint32Array(256)
  /** By item number: its place and one, or 0. */
  #places = new Uint32Array(1024)

  /** Takes an item with its newest event. */
  add(item: Item): void {
    const { last, number } = item
    const start = this.start(this.count)
    const end = start + last.length + 1
    if (end > this.bytes.length) this.#growBytes(end)
    if (this.count === this.#ends.length) this.#growEvents()
    if (number >= this.#places.length) this.#places = grown(this.#places, number + 1)
    last.copy(this.bytes, start)
    this.bytes[end - 1] = comma
    this.items.push(item)
    this.#ends[this.count] = end
    this.#places[number] = ++this.count
  }

  /** The place of an item; -1 if it is not here. */
  indexOf(itemNumber: number): number {
    return (this.#places[itemNumber] ?? 0) - 1
  }

  start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }

  end(index: number): number {
    return (this.#ends[index] ?? 1) - 1
  }

  clear(): void {
    for (const { number } of this.items) this.#places[number] = 0
    this.items = []
    this.count = 0
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  #growBytes(needed: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(bytes)
    this.bytes = bytes
  }

  #growEvents(): void {
    this.#ends = grown(this.#ends, this.count + 1)
    this.replaced = grown(this.replaced, this.count + 1)
  }
}

/** A longer copy, with room for at least so many. */
export function grown(numbers: Uint32Array<ArrayBuffer>, needed: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(Math.max(needed, numbers.length * 2))
  longer.set(numbers)
  return longer
}
