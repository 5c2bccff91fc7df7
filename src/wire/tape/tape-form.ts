import type { MarketEvent } from '../../event/event.ts'
import { type Coverage, Ranges } from '../coverage.ts'
import { jsonForm } from '../json/json-form.ts'
import { type PreparedFrame, binaryFrame } from '../prepared-frame.ts'
import {
  type DeltaBases,
  type EncodedEvents,
  type Flush,
  type WireForm,
  maxFrameBytes,
} from '../wire-form.ts'
import { TapeEncoder, type TapePlace } from './encoding/tape-encoder.ts'
import { writeFrameHead, writeFrameTail, writeReplaced } from './encoding/tape-frame.ts'
import { TapeReadEncoder, TapeRecords } from './encoding/tape-read-encoder.ts'
import { TapeWriter } from './encoding/tape-writer.ts'
import { TapeDeltaBases } from './tape-delta-bases.ts'
import { bareFrame, recordKinds } from './tape-layout.ts'

/** The most that a range takes in the head or the tail of a frame, and a JSON record beside its event: three numbers. */
const mostRangeBytes = 25
/** The most that the record takes which says how many events one stands for. */
const mostReplacedBytes = 6
/** Of the frame under way. */
const ranges = new Ranges()
const out = new TapeWriter()
const noRecords = new TapeRecords()

/**
 * `ticker.v1.tape` (PROTOCOL.md §10): binary frames of what changes. The events of the batch under way are encoded as they come,
 * once for all audiences, as long as there is one; what is read later is encoded when it is read, and what is told at intervals goes as it is.
 */
export class TapeForm implements WireForm {
  readonly subprotocol = 'ticker.v1.tape'
  readonly #segment: EncodedEvents
  readonly #encoder = new TapeEncoder()
  /** What is read by a receiver that is behind. */
  readonly #run = new TapeReadEncoder()
  /** Of the batch under way. */
  readonly #records = new TapeRecords()
  #audiences = 0
  /** Counts the events that were encoded; by item, which was its last. */
  #ordinal = 0
  #touched: number[] = []
  /** The same before the batch under way. */
  #flushed = 0

  /** `segment`: the batch under way, whose events `note` is told. */
  constructor(segment: EncodedEvents) {
    this.#segment = segment
  }

  /** Whether events have to be noted. */
  get isInUse(): boolean {
    return this.#audiences > 0
  }

  opened(): void {
    this.#audiences++
  }

  closed(): void {
    if (--this.#audiences > 0) return
    this.#encoder.clear()
    this.#touched = []
  }

  /** Encodes an event of the batch under way; `index` is its place there. */
  note(event: MarketEvent, place: TapePlace, index: number): void {
    // Those that came before anyone wanted this form have no record.
    this.#encoder.encode(event, place, this.#records.begin(index))
    this.#touched[place.item] = ++this.#ordinal
    this.#records.end()
  }

  /** An item gives up its number to another one, whose first event begins anew. */
  forget(item: number): void {
    this.#encoder.forget(item)
    this.#run.forget(item)
    if (item < this.#touched.length) this.#touched[item] = 0
  }

  /** Forgets the batch, which was written. */
  reset(): void {
    this.#records.clear()
    this.#flushed = this.#ordinal
  }

  message(message: object): PreparedFrame {
    return jsonForm.message(message)
  }

  /** A snapshot is a message, which says nothing of items. */
  snapshot(head: object, events: Iterable<Buffer>): Iterable<PreparedFrame> {
    return jsonForm.snapshot(head, events)
  }

  frames(flush: Flush, send: (block: PreparedFrame) => void): PreparedFrame | undefined {
    const { marks, segment, coverage } = flush
    const records = this.#recordsOf(flush)
    let first = 0
    let bytes = 0
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.indices[mark] ?? 0
      const size = sizeOf(flush, records, index)
      if (bytes > 0 && bytes + size + (ranges.count + 1) * mostRangeBytes > maxFrameBytes) {
        this.#send({ ...flush, records, first, last: mark }, send)
        ranges.next()
        first = mark
        bytes = 0
      }
      if (coverage !== undefined) ranges.put(segment, index)
      bytes += size
    }
    if (coverage !== undefined) ranges.complete(coverage)
    const last = bytes > 0 ? this.#makeFrame({ ...flush, records, first, last: marks.count }) : undefined
    ranges.clear()
    return last
  }

  deltaBases(): DeltaBases {
    return new TapeDeltaBases({
      encoder: this.#encoder,
      ordinal: () => this.#ordinal,
      flushed: () => this.#flushed,
      touched: item => this.#touched[item] ?? 0,
    })
  }

  #recordsOf(flush: Flush): TapeRecords {
    if (flush.segment === this.#segment) return this.#records
    if (flush.deltaBases === undefined) return noRecords
    this.#run.encode(flush)
    flush.deltaBases.forget(this.#run.size)
    return this.#run.records
  }

  #send(part: FramePart, send: (block: PreparedFrame) => void): void {
    send(this.#makeFrame(part))
    if (part.coverage !== undefined) ranges.settle(part.coverage)
  }

  #makeFrame(part: FramePart): PreparedFrame {
    const { coverage, memory } = part
    out.clear()
    if (coverage === undefined) {
      out.byte(bareFrame)
      this.#append(part)
      return binaryFrame(out.written, memory)
    }
    ranges.begin(coverage)
    this.#stateInFull(part.segment, coverage)
    writeFrameHead(ranges, out)
    this.#append(part)
    writeFrameTail(ranges, out)
    return binaryFrame(out.written, memory)
  }

  /** Only ranges of live frames go on from one another; the others, and a partition's first, are stated in full. */
  #stateInFull(segment: EncodedEvents, { covered }: Coverage): void {
    for (let place = 0; place < ranges.count; place++) {
      if (segment !== this.#segment || covered[ranges.numbers[place] ?? 0] === undefined)
        ranges.events[place] = 0
    }
  }

  #append({ segment, marks, records, first, last }: FramePart): void {
    for (let mark = first; mark < last; mark++) {
      const index = marks.indices[mark] ?? 0
      writeReplaced(segment.replaced?.[index] ?? 0, out)
      if (records.lengthAt(index) > 0) {
        records.copy(index, out)
        continue
      }
      out.number(recordKinds.json)
      out.number(segment.partitions[index] ?? 0)
      const [start, end] = [segment.start(index), segment.end(index)]
      out.number(end - start)
      out.append(segment.bytes.subarray(start, end))
    }
  }
}

function sizeOf({ segment }: Flush, records: TapeRecords, index: number): number {
  const replaced = segment.replaced === undefined ? 0 : mostReplacedBytes
  const bytes = records.lengthAt(index)
  return replaced + (bytes > 0 ? bytes : segment.end(index) - segment.start(index) + mostRangeBytes)
}

/** The part of a flush that goes into one frame: what is marked from `first` on and before `last`. */
interface FramePart extends Flush {
  readonly records: TapeRecords
  readonly first: number
  readonly last: number
}
