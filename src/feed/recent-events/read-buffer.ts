import type { WindowSegment } from './window-segment.ts'

/** What one excerpt may hold, and what making it may cost. */
export interface ReadBufferLimits {
  /** Of encoded events, separators included. A larger event is taken alone. */
  readonly maxBytes: number
  readonly maxEvents: number
  /** Rows looked at; 50,000 take about half a millisecond. */
  readonly maxSteps: number
}

/** Where an excerpt's next event comes from. */
export interface Extract {
  /** The number of the partition. */
  readonly partition: number
  readonly segment: WindowSegment
}

/**
 * Events read from windows, side by side as in a batch: one buffer, with columns beside it, each event
 * followed by one separator byte. Filled by reads of one or several partitions until it is full, used at
 * once, cleared and used again.
 */
export class ReadBuffer {
  bytes: Buffer
  count = 0
  /** Where each event ends in `bytes`, separator included. */
  readonly ends: Uint32Array
  /** The number of each event's first item. */
  readonly items: Uint32Array
  /** Where each event lies in its window. */
  readonly segments: WindowSegment[] = []
  readonly rows: Uint32Array
  /** The number of each event's partition. */
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
  /** How many events of its item each one stands for beside itself; 0 where every event is read. */
  readonly replaced: Uint32Array
  /** What is left of the work that making it may cost. */
  steps: number
  readonly #limits: ReadBufferLimits
  #isFull = false
  /** Neighbours in a segment are copied as one piece: what is still to be copied, to the end of what was. */
  #source: WindowSegment | undefined
  #sourceStart = 0
  #sourceEnd = 0
  #copied = 0

  constructor(limits: ReadBufferLimits) {
    this.#limits = limits
    this.bytes = Buffer.allocUnsafeSlow(limits.maxBytes)
    this.ends = new Uint32Array(limits.maxEvents)
    this.items = new Uint32Array(limits.maxEvents)
    this.rows = new Uint32Array(limits.maxEvents)
    this.partitions = new Uint32Array(limits.maxEvents)
    this.offsets = new Float64Array(limits.maxEvents)
    this.replaced = new Uint32Array(limits.maxEvents)
    this.steps = limits.maxSteps
  }

  /** Whether reading should stop: an event did not fit any more, or enough work was done. */
  get isFull(): boolean {
    return this.#isFull || this.steps <= 0
  }

  /** How many more events of this size fit, at most. */
  roomFor(meanBytes: number): number {
    const { maxBytes, maxEvents } = this.#limits
    return Math.min(maxEvents - this.count, Math.floor((maxBytes - this.start(this.count)) / meanBytes))
  }

  /** Whether so many more events fit, of so many bytes together. If not, it is full. */
  hasRoom(events: number, bytes: number): boolean {
    const { maxBytes, maxEvents } = this.#limits
    const fits = this.count + events <= maxEvents && this.start(this.count) + bytes <= maxBytes
    if (fits || this.count + events === 1) return true
    this.#isFull = true
    return false
  }

  /** Where its events lie (`RecentRows`). */
  get recent(): this {
    return this
  }

  /** Where an event begins in `bytes`. */
  start(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] ?? 0)
  }

  /** Where an event ends in `bytes`, without its separator. */
  end(index: number): number {
    return (this.ends[index] ?? 1) - 1
  }

  /** Takes the event with this head, if it fits; false, and full, if it does not. */
  take({ partition, segment }: Extract, head: number): boolean {
    const sourceStart = segment.start(head)
    const sourceEnd = segment.end(head) + 1
    const length = sourceEnd - sourceStart
    if (!this.hasRoom(1, length)) return false
    const end = this.start(this.count) + length
    // Only the first event may be larger.
    if (end > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(end)
    if (this.#source !== segment || this.#sourceEnd !== sourceStart) {
      this.seal()
      this.#source = segment
      this.#sourceStart = sourceStart
    }
    this.#sourceEnd = sourceEnd
    this.ends[this.count] = end
    this.items[this.count] = segment.items[head] ?? 0
    this.segments[this.count] = segment
    this.rows[this.count] = head
    this.partitions[this.count] = partition
    this.offsets[this.count] = segment.offsetOf(head)
    this.replaced[this.count] = 0
    this.count++
    return true
  }

  /** Adds to what the last event stands for. */
  addReplaced(count: number): void {
    const last = this.count - 1
    this.replaced[last] = (this.replaced[last] ?? 0) + count
  }

  /** Copies what is still to be copied: ends every read. */
  seal(): void {
    if (this.#source === undefined) return
    this.#copied += this.#source.bytes.copy(this.bytes, this.#copied, this.#sourceStart, this.#sourceEnd)
    this.#source = undefined
  }

  /** Empties it, for the next events. */
  clear(): void {
    const { maxBytes, maxSteps } = this.#limits
    this.count = 0
    this.segments.length = 0
    this.steps = maxSteps
    this.#isFull = false
    this.#source = undefined
    this.#copied = 0
    if (this.bytes.length > maxBytes) this.bytes = Buffer.allocUnsafeSlow(maxBytes)
  }
}
