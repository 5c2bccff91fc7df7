import type { MarketEvent } from '../../../event/event.ts'
import { TapeWriter } from './tape-writer.ts'
import { TapeEncoder } from './tape-encoder.ts'
import { recordKinds } from '../tape-layout.ts'
import type { RecentSegment } from '../../wire-form.ts'

/** What an event's record is; `none`: it was not encoded yet. `json`: it has none, and goes as it is. */
export const kept = { none: 0, change: 1, absolute: 2, json: 3 } as const

/** The records of the rows of one segment, as far as they were asked for: 9 bytes a row and the records. */
export class SegmentRecords {
  readonly kinds: Uint8Array
  /** The scale of each row's item after it. */
  readonly scales: Uint16Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint16Array
  readonly #bytes = new TapeWriter()

  constructor(rows: number) {
    this.kinds = new Uint8Array(rows)
    this.scales = new Uint16Array(rows)
    this.#starts = new Uint32Array(rows)
    this.#lengths = new Uint16Array(rows)
  }

  put(row: number, record: Uint8Array): void {
    this.#starts[row] = this.#bytes.length
    this.#lengths[row] = record.length
    this.#bytes.append(record)
  }

  /** Appends what follows the number of the item in a row's record. */
  copy(row: number, out: TapeWriter): void {
    const start = this.#starts[row] ?? 0
    out.append(this.#bytes.bytes.subarray(start, start + (this.#lengths[row] ?? 0)))
  }
}

/** An event of the window that is encoded for whoever reads it. */
export interface RecentEvent {
  readonly segment: RecentSegment
  readonly row: number
  /** The number of its item in this process. */
  readonly item: number
  readonly partition: number
  /** The address of its item's event before, if that one was read as well. */
  readonly before: number | undefined
}

/** Beyond so many items, some 5 MB, it begins anew: their next events are absolute. */
const mostItems = 8192
const scratch = new TapeWriter()

/**
 * The records of recent events, each encoded when a reader asks for it first, for all who read it: a change of its item's event
 * before, or an absolute record where that one was not the last to be encoded. They are kept for as long as the events are.
 */
export class TapeRecordCache {
  readonly #segments = new WeakMap<object, SegmentRecords>()
  readonly #encoder = new TapeEncoder()
  /** By item: the address of the event that the encoder has of it. */
  readonly #encoded = new Map<number, number>()

  /** The records of an event's segment; `parse` gives the event where it is not among them yet. */
  of(event: RecentEvent, parse: () => MarketEvent): SegmentRecords {
    const { segment, row } = event
    let records = this.#segments.get(segment.identity)
    if (records === undefined) {
      records = new SegmentRecords(segment.capacity)
      this.#segments.set(segment.identity, records)
    }
    if (records.kinds[row] === kept.none) this.#encode(event, parse(), records)
    return records
  }

  /** An item gives up its number to another one. */
  forget(item: number): void {
    this.#encoder.forget(item)
    this.#encoded.delete(item)
  }

  #encode(
    { segment, row, item, partition, before }: RecentEvent,
    event: MarketEvent,
    records: SegmentRecords,
  ): void {
    const encoder = this.#encoder
    if (encoder.size >= mostItems) {
      encoder.clear()
      this.#encoded.clear()
    }
    // Two partitions may have equal addresses; that the item is in the same one the encoder itself compares.
    if (before === undefined || this.#encoded.get(item) !== before) encoder.forget(item)
    scratch.clear()
    encoder.encode(event, { item, partition, json: noBytes }, scratch)
    this.#encoded.set(item, segment.firstAddress + row)
    records.scales[row] = encoder.scaleOf(item)
    const { bytes } = scratch
    const first = bytes[0]
    if (first === recordKinds.json) {
      records.kinds[row] = kept.json
      return
    }
    records.kinds[row] = first === recordKinds.absolute ? kept.absolute : kept.change
    let at = first === recordKinds.absolute ? 1 : 0
    while ((bytes[at] ?? 0) > 127) at++
    records.put(row, bytes.subarray(at + 1, scratch.length))
  }
}

const noBytes = new Uint8Array()
