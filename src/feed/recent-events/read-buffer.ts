import { CheckedEventParser } from '../../event/checked-event-parser.ts'
import type { Filter } from '../../filter/filter.ts'
import type { EventIndices } from '../../wire/wire-form.ts'
import { EventBatch } from '../last-values/event-batch.ts'
import { grown } from '../number-list.ts'
import { AddressHeap } from './address-heap.ts'
import type { WindowSegment } from './window-segment.ts'

/** Limits of a buffer, and of the cost of a read. */
export interface ReadBufferLimits {
  /** Bytes of encoded events, separators included. A larger event is read alone. */
  readonly maxBytes: number
  readonly maxEvents: number
  /** Rows looked at; 50,000 take about half a millisecond. */
  readonly maxSteps: number
  /** Events that are parsed for a filter; 500 take about half a millisecond. */
  readonly maxEvaluations?: number
}

/** What has to be known of a filter to read events that pass it. */
export type EventFilter = Pick<Filter, 'matches'>

const defaultEvaluations = 500

/** Where the next events come from. */
export interface ReadSource {
  /** The number of the partition. */
  readonly partition: number
  readonly segment: WindowSegment
}

/** Rows by address, in any order, each with the number of events that it replaces. */
class ChosenRows {
  count = 0
  /** The bytes of their events. */
  bytes = 0
  #addresses = new Float64Array(512)
  #replaced = new Uint32Array(512)
  #order = new Uint32Array(512)

  clear(): void {
    this.count = 0
    this.bytes = 0
  }

  add(address: number, replaced: number, bytes: number): void {
    if (this.count === this.#addresses.length) this.#grow()
    this.#addresses[this.count] = address
    this.#replaced[this.count] = replaced
    this.bytes += bytes
    this.count++
  }

  /** Visits the rows in the order of their addresses. */
  visit(each: (address: number, replaced: number) => void): void {
    const addresses = this.#addresses
    const order = this.#order.subarray(0, this.count)
    for (let index = 0; index < order.length; index++) order[index] = index
    order.sort((a, b) => (addresses[a] ?? 0) - (addresses[b] ?? 0))
    for (const index of order) each(addresses[index] ?? 0, this.#replaced[index] ?? 0)
  }

  #grow(): void {
    const length = this.#addresses.length * 2
    this.#addresses = grown(this.#addresses, new Float64Array(length))
    this.#replaced = grown(this.#replaced, new Uint32Array(length))
    this.#order = new Uint32Array(length)
  }
}

/**
 * Events that were read from windows, side by side as in a batch: one buffer with columns beside it, each
 * event followed by one separator byte. Reads of one or several partitions fill it; then it is used at once,
 * cleared, and used again.
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
  /** How many earlier events of its item each event replaces; 0 where every event is read. */
  readonly replaced: Uint32Array
  /** The steps that are left. */
  steps: number
  /** Whether events of the wanted items are left out, since they do not pass a filter. */
  isFiltered = false
  /** For the read under way: the next rows of the wanted items. */
  readonly heap = new AddressHeap()
  /** For the read under way: the rows to be copied. */
  readonly chosen = new ChosenRows()
  /** For the read under way: entries of items that may have to be read. */
  readonly candidates = new Int32Array(1024)
  readonly #limits: Required<ReadBufferLimits>
  readonly #parser = new CheckedEventParser()
  #isFull = false
  /** How many events may still be parsed for a filter. */
  #evaluations: number
  /**
   * Neighbours in a segment are copied as one piece: `[#sourceStart, #sourceEnd)` of `#source`, which goes to
   * `#copied`.
   */
  #source: WindowSegment | undefined
  #sourceStart = 0
  #sourceEnd = 0
  #copied = 0

  constructor(limits: ReadBufferLimits) {
    this.#limits = { maxEvaluations: defaultEvaluations, ...limits }
    this.bytes = Buffer.allocUnsafeSlow(limits.maxBytes)
    this.ends = new Uint32Array(limits.maxEvents)
    this.items = new Uint32Array(limits.maxEvents)
    this.rows = new Uint32Array(limits.maxEvents)
    this.partitions = new Uint32Array(limits.maxEvents)
    this.offsets = new Float64Array(limits.maxEvents)
    this.replaced = new Uint32Array(limits.maxEvents)
    this.steps = limits.maxSteps
    this.#evaluations = this.#limits.maxEvaluations
  }

  /** Whether reading has to stop: an event did not fit, or no steps or evaluations are left. */
  get isFull(): boolean {
    return this.#isFull || this.steps <= 0 || !this.hasEvaluations
  }

  /** Whether further events may be parsed for a filter. */
  get hasEvaluations(): boolean {
    return this.#evaluations > 0
  }

  /**
   * Allows a reader its evaluations. Those of several reads, in one turn of the event loop, count together.
   */
  renewEvaluations(): void {
    this.#evaluations = this.#limits.maxEvaluations
  }

  /** Where its events lie (`EncodedEvents.recent`). */
  get recent(): this | undefined {
    return this.isFiltered ? undefined : this
  }

  /** Whether the event with this head row passes a filter. Takes one evaluation. */
  passes(filter: EventFilter, segment: WindowSegment, head: number): boolean {
    this.#evaluations--
    return filter.matches(this.#parser.parse(segment.bytes.subarray(segment.start(head), segment.end(head))))
  }

  /** How many more events of this mean size fit, about. */
  roomFor(meanBytes: number): number {
    const { maxBytes, maxEvents } = this.#limits
    return Math.min(maxEvents - this.count, Math.floor((maxBytes - this.start(this.count)) / meanBytes))
  }

  /** Whether so many more events fit, of so many bytes together. If they do not, the buffer is full. */
  hasRoom(events: number, bytes: number): boolean {
    const { maxBytes, maxEvents } = this.#limits
    const fits = this.count + events <= maxEvents && this.start(this.count) + bytes <= maxBytes
    if (fits || this.count + events === 1) return true
    this.#isFull = true
    return false
  }

  /** Where an event begins in `bytes`. */
  start(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] ?? 0)
  }

  /** Where an event ends in `bytes`, without its separator. */
  end(index: number): number {
    return (this.ends[index] ?? 1) - 1
  }

  /** Appends the event with this head row. Returns false if it does not fit: then the buffer is full. */
  append({ partition, segment }: ReadSource, head: number): boolean {
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

  /** Adds to the number of events that the last event replaces. */
  addReplaced(count: number): void {
    const last = this.count - 1
    this.replaced[last] = (this.replaced[last] ?? 0) + count
  }

  /** Copies the bytes that are still to be copied; to be called at the end of every read. */
  seal(): void {
    if (this.#source === undefined) return
    this.#copied += this.#source.bytes.copy(this.bytes, this.#copied, this.#sourceStart, this.#sourceEnd)
    this.#source = undefined
  }

  /** Empties the buffer. */
  clear(): void {
    const { maxBytes, maxSteps } = this.#limits
    this.count = 0
    this.segments.length = 0
    this.steps = maxSteps
    this.isFiltered = false
    this.#isFull = false
    this.#source = undefined
    this.#copied = 0
    if (this.bytes.length > maxBytes) this.bytes = Buffer.allocUnsafeSlow(maxBytes)
  }
}

/** Memory that the readers of a feed use in turn. Each empties it before the event loop goes on. */
export class ReadContext {
  /** For events that are read from the window. */
  readonly buffer = new ReadBuffer({ maxBytes: 131_072, maxEvents: 4096, maxSteps: 50_000 })
  /** For events that are read from the log. */
  readonly batch = new EventBatch()
  #indices = new Uint32Array(0)

  /** Returns the indices of all of `count` events. */
  allOf(count: number): EventIndices {
    if (count > this.#indices.length) {
      this.#indices = new Uint32Array(Math.max(4096, count * 2))
      for (let index = 0; index < this.#indices.length; index++) this.#indices[index] = index
    }
    return { indices: this.#indices, count }
  }
}
