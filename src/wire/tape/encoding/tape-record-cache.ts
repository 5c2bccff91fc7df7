import type { MarketEvent } from '../../../event/event.ts'
import type { RecentSegment } from '../../wire-form.ts'
import { recordKinds } from '../tape-layout.ts'
import { TapeEncoder } from './tape-encoder.ts'
import { TapeWriter } from './tape-writer.ts'

/**
 * The kinds of cached records. `none`: the event was not encoded yet. `json`: the event has no record and
 * goes as JSON.
 */
export const cachedKinds = { none: 0, change: 1, absolute: 2, json: 3 } as const

/** The records of one segment's rows, as far as readers asked for them: 9 bytes a row, and the records. */
export class SegmentRecords {
  readonly kinds: Uint8Array
  /** The scale of each row's item after the row's event. */
  readonly scales: Uint16Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint16Array
  readonly #out = new TapeWriter()

  constructor(rows: number) {
    this.kinds = new Uint8Array(rows)
    this.scales = new Uint16Array(rows)
    this.#starts = new Uint32Array(rows)
    this.#lengths = new Uint16Array(rows)
  }

  put(row: number, record: Uint8Array): void {
    this.#starts[row] = this.#out.length
    this.#lengths[row] = record.length
    this.#out.append(record)
  }

  /** Appends a row's record to `out`, from after the item's number on. */
  copy(row: number, out: TapeWriter): void {
    const start = this.#starts[row] ?? 0
    out.append(this.#out.bytes.subarray(start, start + (this.#lengths[row] ?? 0)))
  }
}

/** A recent event for which a reader asks. */
export interface RecentEvent {
  readonly segment: RecentSegment
  readonly row: number
  /** The number of its item in this process. */
  readonly item: number
  readonly partition: number
  /** The address of the event before it of its item, if the reader has read that event, too. */
  readonly before: number | undefined
}

/**
 * With more items than this, some 5 MB, the encoder begins anew, and the next event of each item is absolute.
 */
const maxItems = 8192
const noBytes = new Uint8Array()

/**
 * The records of recent events. An event is encoded when the first reader asks for it, for all readers: as a
 * change of the event before it, or as an absolute record if that event was not the last of its item to be
 * encoded. Records live as long as the events.
 */
export class TapeRecordCache {
  readonly #segments = new WeakMap<object, SegmentRecords>()
  readonly #encoder = new TapeEncoder()
  readonly #out = new TapeWriter()
  /** By item: the address of the event that was encoded last. */
  readonly #encoded = new Map<number, number>()

  /**
   * Returns the records of an event's segment, among them the event's own. `parse` returns the event if it
   * has to be encoded.
   */
  of(recent: RecentEvent, parse: () => MarketEvent): SegmentRecords {
    const { segment, row } = recent
    let records = this.#segments.get(segment.identity)
    if (records === undefined) {
      records = new SegmentRecords(segment.capacity)
      this.#segments.set(segment.identity, records)
    }
    if (records.kinds[row] === cachedKinds.none) this.#encode(recent, parse(), records)
    return records
  }

  /** Forgets an item, whose number another item gets. */
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
    const out = this.#out
    if (encoder.size >= maxItems) {
      encoder.clear()
      this.#encoded.clear()
    }
    // Two partitions may have equal addresses; the encoder itself compares the partition.
    if (before === undefined || this.#encoded.get(item) !== before) encoder.forget(item)
    out.clear()
    encoder.encode(event, { item, partition, json: noBytes }, out)
    this.#encoded.set(item, segment.firstAddress + row)
    records.scales[row] = encoder.scaleOf(item)
    const { bytes } = out
    const first = bytes[0]
    if (first === recordKinds.json) {
      records.kinds[row] = cachedKinds.json
      return
    }
    records.kinds[row] = first === recordKinds.absolute ? cachedKinds.absolute : cachedKinds.change
    let at = first === recordKinds.absolute ? 1 : 0
    while ((bytes[at] ?? 0) > 127) at++
    records.put(row, bytes.subarray(at + 1, out.length))
  }
}
