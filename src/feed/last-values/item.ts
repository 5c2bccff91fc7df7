import type { Channel } from '../../event/event.ts'

/** One (channel, symbol) that has had an event: the unit of subscription, with its last event for snapshots. */
export class Item {
  /** Given at its first event. Once the item is forgotten, another one may have it. */
  readonly number: number
  readonly channel: Channel
  /** Empty for news that names no symbol. */
  readonly symbol: string
  /** The index of the partition it was first seen in, since its topic was made. */
  partition: number
  /** Whether it was seen in another partition as well, so that its order is lost. */
  isSplit = false
  /** When the newest of its records was written, or read where that is not known; in ms on a clock that only goes on. */
  latestMs = -Infinity
  /** Counts the admissions of items: which was its last. */
  admission = 0
  /** Its neighbours in the queue that it is in; itself if it is in none. */
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

  /** The encoded last event. A view of memory that the next event overwrites: copy it or use it at once. */
  get last(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Copies `bytes[start, end)` as the last event; memory is taken anew only when an event is longer than any before. */
  keep(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow((length + 31) & ~31)
    bytes.copy(this.#bytes, 0, start, end)
    this.#length = length
  }
}
