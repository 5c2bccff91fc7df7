import type { MarketEvent } from '../../event/event.ts'
import type { Dialect } from '../../protocol/dialect.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import { type Coverage, CoverageRanges } from '../coverage.ts'
import { binaryPayload, type Payload } from '../payload.ts'
import {
  type DeltaBases,
  type EncodedEvents,
  type EventEncoder,
  type EventSource,
  type LiveEvents,
  maxFrameBytes,
  type OutgoingEvents,
  type SnapshotHead,
  type WireForm,
} from '../wire-form.ts'
import { TapeEncoder } from './encoding/tape-encoder.ts'
import { writeFrameHead, writeFrameTail, writeReplaced } from './encoding/tape-frame.ts'
import { TapeReadEncoder, TapeRecords } from './encoding/tape-read-encoder.ts'
import { TapeFilteredRecords } from './encoding/tape-filtered-records.ts'
import { TapeWriter } from './encoding/tape-writer.ts'
import { TapeDeltaBases } from './tape-delta-bases.ts'
import { bareFrame, recordKinds } from './tape-layout.ts'

/**
 * The most bytes of a range in the head or the tail of a frame, or of a JSON record beside its event: three
 * numbers.
 */
const maxRangeBytes = 25
/** The most bytes of a record that says how many events the next one replaces. */
const maxReplacedBytes = 6

/** The records of events by their index. */
type EventRecords = Pick<TapeRecords, 'lengthAt' | 'copy'>

/**
 * `ticker.v1.tape` (PROTOCOL.md §10): binary frames of changes. While there is an audience, each event of the
 * batch under way is encoded when it comes in, once for all audiences. Events of readers that are behind are
 * encoded when they are read. Conflated live events are not encoded: they go as JSON.
 */
export class TapeForm implements WireForm, EventEncoder {
  readonly name = 'ticker.v1.tape'
  readonly encoder = this
  readonly #batch: LiveEvents
  readonly #json: WireForm
  readonly #encoder = new TapeEncoder()
  readonly #readEncoder = new TapeReadEncoder()
  /** Of the batch under way. */
  readonly #records = new TapeRecords()
  readonly #noRecords = new TapeRecords()
  readonly #filteredRecords: TapeFilteredRecords
  /** Those of the frame under way. */
  #chosenRecords: EventRecords = this.#records
  /** Of the frame under way. */
  readonly #ranges = new CoverageRanges()
  readonly #out = new TapeWriter()
  /** Counts the encoded events. By item number: the ordinal of its last event. */
  #ordinal = 0
  #lastOrdinals: number[] = []
  /** The ordinal before the batch under way. */
  #flushedOrdinal = 0

  /**
   * `batch`: the batch under way. `json`: encodes messages and
   * snapshots.
   */
  constructor(batch: LiveEvents, json: WireForm) {
    this.#batch = batch
    this.#filteredRecords = new TapeFilteredRecords(batch, this.#records)
    this.#json = json
  }

  get dialect(): Dialect {
    return this.#json.dialect
  }

  encode(event: MarketEvent, source: EventSource, index: number): void {
    // Events of the batch that came before the first audience have no record.
    this.#encoder.encode(event, source, this.#records.begin(index))
    this.#lastOrdinals[source.item] = ++this.#ordinal
    this.#records.end()
  }

  clear(): void {
    this.#encoder.clear()
    this.#lastOrdinals = []
  }

  /** The first event of the item that gets the number is absolute. */
  forget(item: number): void {
    this.#encoder.forget(item)
    this.#readEncoder.forget(item)
    if (item < this.#lastOrdinals.length) this.#lastOrdinals[item] = 0
  }

  reset(): void {
    this.#records.clear()
    this.#filteredRecords.clear()
    this.#flushedOrdinal = this.#ordinal
  }

  message(message: ServerMessage): Payload | undefined {
    return this.#json.message(message)
  }

  /** A snapshot is a message: it states no delta bases. */
  snapshot(head: SnapshotHead, events: Iterable<Buffer | undefined>): Iterable<Payload | undefined> {
    return this.#json.snapshot(head, events)
  }

  frames(outgoing: OutgoingEvents, send: (frame: Payload) => void): Payload | undefined {
    const { chosen, events, coverage } = outgoing
    const records = this.#recordsOf(outgoing)
    this.#chosenRecords = records
    const ranges = this.#ranges
    let first = 0
    let bytes = 0
    for (let place = 0; place < chosen.count; place++) {
      const index = chosen.indices[place] ?? 0
      const size = sizeOf(events, records, index)
      if (bytes > 0 && bytes + size + (ranges.count + 1) * maxRangeBytes > maxFrameBytes) {
        send(this.#makeFrame(outgoing, first, place))
        if (coverage !== undefined) ranges.settle(coverage)
        ranges.nextFrame()
        first = place
        bytes = 0
      }
      if (coverage !== undefined) ranges.include(events, index)
      bytes += size
    }
    if (coverage !== undefined) ranges.complete(coverage)
    const last = bytes > 0 ? this.#makeFrame(outgoing, first, chosen.count) : undefined
    ranges.clear()
    return last
  }

  createDeltaBases(): DeltaBases {
    return new TapeDeltaBases({
      encoder: this.#encoder,
      out: this.#out,
      ordinal: () => this.#ordinal,
      flushedOrdinal: () => this.#flushedOrdinal,
      lastOrdinalOf: item => this.#lastOrdinals[item] ?? 0,
    })
  }

  #recordsOf(outgoing: OutgoingEvents): EventRecords {
    if (outgoing.events === this.#batch)
      return outgoing.isPartial === undefined ? this.#records : this.#filteredRecords.prepare(outgoing)
    if (outgoing.deltaBases === undefined) return this.#noRecords
    this.#readEncoder.encode(outgoing)
    outgoing.deltaBases.forget(this.#readEncoder.size)
    return this.#readEncoder.records
  }

  /** Makes a frame of the events chosen from `first` on and before `last`. */
  #makeFrame(outgoing: OutgoingEvents, first: number, last: number): Payload {
    const { coverage, memory, events } = outgoing
    const out = this.#out
    const ranges = this.#ranges
    out.clear()
    if (coverage === undefined) {
      out.byte(bareFrame)
      this.#append(outgoing, first, last)
      return binaryPayload(out.written, memory)
    }
    ranges.setStarts(coverage)
    this.#markStatedRanges(events, coverage)
    writeFrameHead(ranges, out)
    this.#append(outgoing, first, last)
    writeFrameTail(ranges, out)
    return binaryPayload(out.written, memory)
  }

  /**
   * Only a live frame implies its ranges, by those of the frame before. Ranges of other frames, and a
   * partition's first, are stated.
   */
  #markStatedRanges(events: EncodedEvents, { covered }: Coverage): void {
    const ranges = this.#ranges
    for (let place = 0; place < ranges.count; place++) {
      if (events !== this.#batch || covered[ranges.numbers[place] ?? 0] === undefined)
        ranges.events[place] = 0
    }
  }

  #append({ events, chosen }: OutgoingEvents, first: number, last: number): void {
    const out = this.#out
    const records = this.#chosenRecords
    for (let place = first; place < last; place++) {
      const index = chosen.indices[place] ?? 0
      writeReplaced(events.replaced?.[index] ?? 0, out)
      if (records.lengthAt(index) > 0) {
        records.copy(index, out)
        continue
      }
      out.number(recordKinds.json)
      out.number(events.partitions[index] ?? 0)
      const [start, end] = [events.start(index), events.end(index)]
      out.number(end - start)
      out.append(events.bytes.subarray(start, end))
    }
  }
}

function sizeOf(events: EncodedEvents, records: EventRecords, index: number): number {
  const replaced = events.replaced === undefined ? 0 : maxReplacedBytes
  const bytes = records.lengthAt(index)
  return replaced + (bytes > 0 ? bytes : events.end(index) - events.start(index) + maxRangeBytes)
}
