import type { Channel } from '../../../event/event.ts'
import { CheckedEventParser } from '../../../event/checked-event-parser.ts'
import type { LiveEvents, OutgoingEvents } from '../../wire-form.ts'
import { TapeEncoder } from './tape-encoder.ts'
import type { TapeRecords } from './tape-read-encoder.ts'
import { TapeWriter } from './tape-writer.ts'

type LiveChoice = Pick<OutgoingEvents, 'chosen' | 'isPartial'>

/**
 * The records of a batch for audiences with filters. An audience that does not get every event of an item
 * cannot apply the changes of an event that it did not get: it is sent absolute records. Each of these is
 * made when the first audience needs it, for all of them.
 */
export class TapeFilteredRecords {
  readonly #batch: LiveEvents
  readonly #changes: TapeRecords
  readonly #encoder = new TapeEncoder()
  readonly #parser = new CheckedEventParser()
  readonly #out = new TapeWriter()
  /** By the index of an event: where its absolute record begins and ends. */
  #starts: number[] = []
  #ends: number[] = []
  /** Of the audience at hand. */
  #isPartial: (channel: Channel) => boolean = () => true

  /** `changes`: the records of the batch for audiences that get every event. */
  constructor(batch: LiveEvents, changes: TapeRecords) {
    this.#batch = batch
    this.#changes = changes
  }

  /** Prepares the records of an audience's events. They can be read until the next call. */
  prepare({ chosen: { indices, count }, isPartial = () => true }: LiveChoice): this {
    this.#isPartial = isPartial
    for (let place = 0; place < count; place++) {
      const index = indices[place] ?? 0
      if (this.#isAbsolute(index) && this.#ends[index] === undefined) this.#encode(index)
    }
    return this
  }

  /** The length of an event's record; 0 if it has none. */
  lengthAt(index: number): number {
    if (!this.#isAbsolute(index)) return this.#changes.lengthAt(index)
    return (this.#ends[index] ?? 0) - (this.#starts[index] ?? 0)
  }

  /** Appends an event's record to `out`. */
  copy(index: number, out: TapeWriter): void {
    if (this.#isAbsolute(index)) out.append(this.#out.bytes.subarray(this.#starts[index], this.#ends[index]))
    else this.#changes.copy(index, out)
  }

  /** Begins another batch. */
  clear(): void {
    if (this.#out.length === 0) return
    this.#out.clear()
    this.#starts = []
    this.#ends = []
  }

  #isAbsolute(index: number): boolean {
    const channel = this.#batch.channels[index]
    return channel === undefined || this.#isPartial(channel)
  }

  #encode(index: number): void {
    const { bytes, items, partitions } = this.#batch
    const item = items[index] ?? 0
    const json = bytes.subarray(this.#batch.start(index), this.#batch.end(index))
    this.#encoder.forget(item)
    this.#starts[index] = this.#out.length
    this.#encoder.encode(
      this.#parser.parse(json),
      { item, partition: partitions[index] ?? 0, json },
      this.#out,
    )
    this.#ends[index] = this.#out.length
    this.#encoder.forget(item)
  }
}
