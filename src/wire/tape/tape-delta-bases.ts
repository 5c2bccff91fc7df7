import { binaryFrame, type PreparedFrame } from '../prepared-frame.ts'
import { type EachItem, maxFrameBytes, type DeltaBases } from '../wire-form.ts'
import { TapeWriter } from './encoding/tape-writer.ts'
import type { TapeEncoder } from './encoding/tape-encoder.ts'
import { writeCovers } from './encoding/tape-frame.ts'
import { denseFrame } from './tape-layout.ts'

export interface TapeDeltaBasesOptions {
  readonly encoder: TapeEncoder
  /** How many events were encoded; all, and before the batch under way. */
  readonly ordinal: () => number
  readonly flushed: () => number
  /** Which of them was an item's last; 0 if it had none. */
  readonly touched: (item: number) => number
}

/** Bases told at once: some 50 kB. */
const mostAtOnce = 1000
const out = new TapeWriter()

/**
 * What one receiver knows of the items' last events, against which changes are written: it is told the bases that it lacks, many of them
 * a frame at a time, before it becomes live.
 */
export class TapeDeltaBases implements DeltaBases {
  readonly #parts: TapeDeltaBasesOptions
  /** Of every item of its interest it knows what there was at this ordinal. */
  #known = 0
  /** Of some it was told more, at a later one. */
  #told = new Map<number, number>()
  /** Of items below this it knows only what it was told since. */
  #forgotten = 0

  /** Whether it gets every change from then on. */
  #isComplete = false

  constructor(parts: TapeDeltaBasesOptions) {
    this.#parts = parts
  }

  advance(items: EachItem, send: (block: PreparedFrame) => void): boolean {
    const lacking = this.#lacking(items)
    if (lacking.length <= mostAtOnce) return true
    const ordinal = this.#parts.ordinal()
    const some = lacking.slice(0, mostAtOnce)
    this.#send(some, [], send)
    for (const item of some) this.#told.set(item, ordinal)
    return false
  }

  complete(
    items: EachItem,
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (block: PreparedFrame) => void,
  ): void {
    this.#send(this.#lacking(items), coverage, send)
    this.#told.clear()
    this.#forgotten = 0
    this.#known = this.#parts.ordinal()
    this.#isComplete = true
  }

  renew(): void {
    this.#known = 0
    this.#told.clear()
    this.#isComplete = false
  }

  forget(items: number): void {
    this.#forgotten = Math.max(this.#forgotten, items)
    if (this.#told.size > 0) for (let item = 0; item < items; item++) this.#told.delete(item)
  }

  suspend(): void {
    if (this.#isComplete) this.#known = this.#parts.flushed()
    this.#isComplete = false
  }

  #lacking(items: EachItem): number[] {
    const lacking: number[] = []
    items(item => {
      const known = this.#told.get(item) ?? (item < this.#forgotten ? 0 : this.#known)
      if (this.#parts.touched(item) > known) lacking.push(item)
    })
    return lacking
  }

  #send(
    items: readonly number[],
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (block: PreparedFrame) => void,
  ): void {
    const finish = (): void => {
      if (out.length > 1) send(binaryFrame(out.written))
      out.clear()
      // No range is implied, so the check is 0.
      out.byte(denseFrame)
    }
    out.clear()
    out.byte(denseFrame)
    for (const [partition, from] of coverage) writeCovers({ partition, from, to: from }, out)
    for (const item of items) {
      this.#parts.encoder.base(item, out)
      if (out.length > maxFrameBytes / 2) finish()
    }
    finish()
  }
}
