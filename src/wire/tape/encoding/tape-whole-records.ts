import { CheckedEventParser } from '../../../event/checked-event-parser.ts'
import type { EventIndices, EncodedEvents } from '../../wire-form.ts'
import { TapeEncoder } from './tape-encoder.ts'
import { TapeWriter } from './tape-writer.ts'

/** Whole records refer to nothing, so that all of them may have the same item number. */
const item = 0

/**
 * The events of a batch as absolute records, for audiences that do not get every event of an item: a change
 * of an event that they did not get would mean nothing to them. Each is made when the first audience needs
 * it, for all of them.
 */
export class TapeWholeRecords {
  readonly #encoder = new TapeEncoder()
  readonly #parser = new CheckedEventParser()
  readonly #out = new TapeWriter()
  /** By the index of an event: where its record begins and ends. Both are 0 where there is none. */
  #starts: number[] = []
  #ends: number[] = []

  /** Makes the records of the chosen events that were not made yet. */
  prepare(events: EncodedEvents, { indices, count }: EventIndices): void {
    for (let place = 0; place < count; place++) {
      const index = indices[place] ?? 0
      if (this.lengthAt(index) === 0) this.#encode(events, index)
    }
  }

  /** The length of an event's record; 0 if it has none. */
  lengthAt(index: number): number {
    return (this.#ends[index] ?? 0) - (this.#starts[index] ?? 0)
  }

  /** Appends an event's record to `out`. */
  copy(index: number, out: TapeWriter): void {
    out.append(this.#out.bytes.subarray(this.#starts[index], this.#ends[index]))
  }

  /** Begins another batch. */
  clear(): void {
    if (this.#out.length === 0) return
    this.#out.clear()
    this.#starts = []
    this.#ends = []
  }

  #encode(events: EncodedEvents, index: number): void {
    const json = events.bytes.subarray(events.start(index), events.end(index))
    this.#encoder.forget(item)
    this.#starts[index] = this.#out.length
    const origin = { item, partition: events.partitions[index] ?? 0, json }
    this.#encoder.encode(this.#parser.parse(json), origin, this.#out)
    this.#ends[index] = this.#out.length
  }
}
