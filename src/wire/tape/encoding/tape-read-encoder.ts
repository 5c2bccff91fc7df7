import type { EventType, MarketEvent } from '../../../event/event.ts'
import { CheckedEventParser } from '../../../event/checked-event-parser.ts'
import type { EncodedEvents, OutgoingEvents, RecentRows } from '../../wire-form.ts'
import { firstItem, recordKinds } from '../tape-layout.ts'
import { TapeEncoder } from './tape-encoder.ts'
import { cachedKinds, TapeRecordCache } from './tape-record-cache.ts'
import { TapeWriter } from './tape-writer.ts'

/**
 * Encodes events that are read after they came in, for one reader that is behind. Each read is a chain of its
 * own: the first event of an item is absolute, so that nothing is kept for a reader between two reads. Items
 * are numbered from 0, by their first events.
 */
export class TapeReadEncoder {
  readonly records = new TapeRecords()
  readonly #encoder = new TapeEncoder()
  readonly #parser = new CheckedEventParser()
  readonly #cache = new TapeRecordCache()
  readonly #numbers = new Map<EventType, Map<string, number>>()
  /** The numbers of recent items in this read, by their numbers in this process. */
  readonly #recentNumbers = new Map<number, number>()
  /**
   * By an item's number in this read: the address of its last event, and whether there is a record of that
   * item.
   */
  readonly #addresses: number[] = []
  readonly #hasRecord: boolean[] = []
  #count = 0

  /** The number of items in the read. */
  get size(): number {
    return this.#count
  }

  /** Encodes the chosen events in place of those of the read before. */
  encode({ events, chosen, parsed, coverage }: OutgoingEvents): void {
    this.#clear()
    const { records } = this
    // A conflated event does not follow on the event before it, which the cached record assumes.
    const rows = coverage === undefined ? undefined : events.recent
    for (let place = 0; place < chosen.count; place++) {
      const index = chosen.indices[place] ?? 0
      const out = records.begin(index)
      if (rows === undefined) this.#write(events, index, { event: parsed?.[index], out })
      else this.#copy(events, index, { rows, out })
      records.end()
    }
  }

  /** Forgets an item, whose number in this process another item gets. */
  forget(item: number): void {
    this.#cache.forget(item)
  }

  #clear(): void {
    this.records.clear()
    this.#encoder.clear()
    for (const numbers of this.#numbers.values()) numbers.clear()
    this.#recentNumbers.clear()
    this.#count = 0
  }

  #write(events: EncodedEvents, index: number, { event, out }: WriteTarget): void {
    const json = bytesOf(events, index)
    const known = event ?? this.#parser.parse(json)
    const item = known.T === 'n' ? 0 : this.#numberOf(known.T, known.S)
    this.#encoder.encode(known, { item, partition: events.partitions[index] ?? 0, json }, out)
  }

  /** Copies the cached record of an event; writes an absolute record for the first event of its item. */
  #copy(events: EncodedEvents, index: number, { rows, out }: CopyTarget): void {
    const [segment, row, item] = [rows.segments[index], rows.rows[index] ?? 0, rows.items[index] ?? 0]
    if (segment === undefined) return
    const number = this.#recentNumberOf(item)
    const partition = events.partitions[index] ?? 0
    const parse = (): MarketEvent => this.#parser.parse(bytesOf(events, index))
    const recent = { segment, row, item, partition, before: this.#addresses[number] }
    const records = this.#cache.of(recent, parse)
    this.#addresses[number] = segment.firstAddress + row
    const kind = records.kinds[row]
    if (kind === cachedKinds.json) return
    if (kind === cachedKinds.absolute) {
      out.number(recordKinds.absolute)
      out.number(number)
      records.copy(row, out)
    } else if (this.#hasRecord[number] === true) {
      out.number(number + firstItem)
      records.copy(row, out)
    } else {
      this.#encoder.absoluteOf(parse(), { item: number, partition, scale: records.scales[row] ?? 0 }, out)
    }
    this.#hasRecord[number] = true
  }

  #numberOf(type: EventType, symbol: string): number {
    let numbers = this.#numbers.get(type)
    if (numbers === undefined) this.#numbers.set(type, (numbers = new Map()))
    let number = numbers.get(symbol)
    if (number === undefined) numbers.set(symbol, (number = this.#count++))
    return number
  }

  #recentNumberOf(item: number): number {
    const known = this.#recentNumbers.get(item)
    if (known !== undefined) return known
    const number = this.#count++
    this.#recentNumbers.set(item, number)
    this.#addresses[number] = -1
    this.#hasRecord[number] = false
    return number
  }
}

interface WriteTarget {
  readonly event: MarketEvent | undefined
  readonly out: TapeWriter
}

interface CopyTarget {
  readonly rows: RecentRows
  readonly out: TapeWriter
}

function bytesOf(events: EncodedEvents, index: number): Buffer {
  return events.bytes.subarray(events.start(index), events.end(index))
}

/** The records of encoded events by their index. An event without a record goes as JSON. */
export class TapeRecords {
  readonly #out = new TapeWriter()
  /** Where each record ends. */
  #ends = new Uint32Array(512)
  #count = 0

  /**
   * Returns where the record of the event with this index is to be written. The events skipped before it get
   * no records.
   */
  begin(index: number): TapeWriter {
    while (this.#count < index) this.end()
    return this.#out
  }

  /** Ends the record that was written. */
  end(): void {
    if (this.#count === this.#ends.length) {
      const ends = this.#ends
      this.#ends = new Uint32Array(ends.length * 2)
      this.#ends.set(ends)
    }
    this.#ends[this.#count++] = this.#out.length
  }

  /** The length of an event's record; 0 if it has none. */
  lengthAt(index: number): number {
    return index < this.#count ? (this.#ends[index] ?? 0) - this.#startOf(index) : 0
  }

  /** Appends an event's record to `out`. */
  copy(index: number, out: TapeWriter): void {
    out.append(this.#out.bytes.subarray(this.#startOf(index), this.#ends[index]))
  }

  clear(): void {
    this.#out.clear()
    this.#count = 0
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }
}
