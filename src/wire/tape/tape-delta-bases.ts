import { binaryPayload, type Payload } from '../payload.ts'
import { type DeltaBases, type EachItem, maxFrameBytes } from '../wire-form.ts'
import type { TapeEncoder } from './encoding/tape-encoder.ts'
import { writeCovers } from './encoding/tape-frame.ts'
import type { TapeWriter } from './encoding/tape-writer.ts'
import { denseFrame } from './tape-layout.ts'

export interface TapeDeltaBasesOptions {
  readonly encoder: TapeEncoder
  /** Where frames are written; used by one receiver at a time. */
  readonly out: TapeWriter
  /** How many events were encoded. */
  readonly ordinal: () => number
  /** How many events were encoded before the batch under way. */
  readonly flushedOrdinal: () => number
  /** The ordinal of an item's last event; 0 if it has none. */
  readonly lastOrdinalOf: (item: number) => number
}

/** Bases sent at once at most: some 50 kB. */
const maxAtOnce = 1000

/** The delta bases that one receiver of `ticker.v1.tape` knows. */
export class TapeDeltaBases implements DeltaBases {
  readonly #options: TapeDeltaBasesOptions
  /** The receiver knows the bases of this ordinal of every item of its selection. */
  #known = 0
  /** By item: a later ordinal whose base the receiver was sent. */
  #sent = new Map<number, number>()
  /** Of items below this number the receiver knows only the bases in `#sent`. */
  #forgotten = 0
  /** Whether it receives every change from now on. */
  #isComplete = false

  constructor(options: TapeDeltaBasesOptions) {
    this.#options = options
  }

  advance(items: EachItem, send: (frame: Payload) => void): boolean {
    const missing = this.#missing(items)
    if (missing.length <= maxAtOnce) return true
    const ordinal = this.#options.ordinal()
    const some = missing.slice(0, maxAtOnce)
    this.#send(some, [], send)
    for (const item of some) this.#sent.set(item, ordinal)
    return false
  }

  complete(
    items: EachItem,
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (frame: Payload) => void,
  ): void {
    this.#send(this.#missing(items), coverage, send)
    this.#sent.clear()
    this.#forgotten = 0
    this.#known = this.#options.ordinal()
    this.#isComplete = true
  }

  renew(): void {
    this.#known = 0
    this.#sent.clear()
    this.#isComplete = false
  }

  forget(items: number): void {
    this.#forgotten = Math.max(this.#forgotten, items)
    if (this.#sent.size > 0) for (let item = 0; item < items; item++) this.#sent.delete(item)
  }

  suspend(): void {
    if (this.#isComplete) this.#known = this.#options.flushedOrdinal()
    this.#isComplete = false
  }

  #missing(items: EachItem): number[] {
    const missing: number[] = []
    items(item => {
      const known = this.#sent.get(item) ?? (item < this.#forgotten ? 0 : this.#known)
      if (this.#options.lastOrdinalOf(item) > known) missing.push(item)
    })
    return missing
  }

  #send(
    items: readonly number[],
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (frame: Payload) => void,
  ): void {
    const { encoder, out } = this.#options
    const begin = (): void => {
      out.clear()
      // The frame implies no range, so its check is 0.
      out.byte(denseFrame)
    }
    begin()
    for (const [partition, from] of coverage) writeCovers({ partition, from, to: from }, out)
    for (const item of items) {
      encoder.base(item, out)
      if (out.length <= maxFrameBytes / 2) continue
      send(binaryPayload(out.written))
      begin()
    }
    if (out.length > 1) send(binaryPayload(out.written))
  }
}
