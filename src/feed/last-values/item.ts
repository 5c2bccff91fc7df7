import type { Channel } from '../../event/event.ts'

/**
 * A (channel, symbol) that has had an event: the unit of subscription. Keeps its last event for snapshots.
 */
export class Item {
  /** Given to it at its first event. When the item is forgotten, another item may get the number. */
  readonly number: number
  readonly channel: Channel
  /** Empty for news without symbols. */
  readonly symbol: string
  /** The number of the partition of its first event, since that partition's topic was made. */
  partition: number
  /** Whether it was seen in another partition as well, so that the order of its events is not known. */
  isSplit = false
  /** When its newest record was written, or read if that is not known: ms on a monotonic clock. */
  latestMs = -Infinity
  /** The ordinal of its last admission (`Items`). */
  admission = 0
  /** Its neighbours in its queue (`ItemQueue`); itself if it is in none. */
  before: Item = this
  after: Item = this
  #bytes = Buffer.alloc(0)
  #length = 0

  constructor(number: number, channel: Channel, symbol: string, partition: number) {
    this.number = number
    this.channel = channel
    this.symbol = symbol
    this.partition = partition
  }

  /** The encoded last event: a view of memory that the next event overwrites. */
  get last(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /**
   * Copies `bytes[start, end)` as the last event. Allocates only if the event is longer than every event
   * before.
   */
  keep(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow((length + 31) & ~31)
    bytes.copy(this.#bytes, 0, start, end)
    this.#length = length
  }
}
