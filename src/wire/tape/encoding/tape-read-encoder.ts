import type { EventType, MarketEvent } from '../../../event/event.ts'
import { FastEventParser } from '../../../event/fast-event-parser.ts'
import type { EncodedEvents, Flush, RecentRows } from '../../wire-form.ts'
import { firstItem, recordKinds } from '../tape-layout.ts'
import { TapeEncoder } from './tape-encoder.ts'
import { TapeRecordCache, kept } from './tape-record-cache.ts'
import { TapeWriter } from './tape-writer.ts'

/**
 * Encodes what is read later than it came as a chain of its own, which begins anew with each run: the first event of an item is
 * absolute, so that nothing is kept for a reader between two runs. Its items are numbered from 0, by their first events.
 */
export class TapeReadEncoder {
  readonly records = new TapeRecords()
  readonly #encoder = new TapeEncoder()
  readonly #fastParser = new FastEventParser()
  readonly #kept = new TapeRecordCache()
  readonly #numbers = new Map<EventType, Map<string, number>>()
  /** Of the items of the window: their numbers in this run, and by these the addresses of their last events, and whether there is a record of them. */
  readonly #keptNumbers = new Map<number, number>()
  readonly #addresses: number[] = []
  readonly #areTold: boolean[] = []
  #count = 0

  /** How many items the run has. */
  get size(): number {
    return this.#count
  }

  /** Encodes what is marked, instead of the run before. */
  encode({ segment, marks, events, coverage }: Flush): void {
    this.#clear()
    const { records } = this
    // Of what is conflated the event before is not the one that was told.
    const rows = coverage === undefined ? undefined : segment.kept
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.indices[mark] ?? 0
      const out = records.begin(index)
      if (rows === undefined) this.#write(segment, index, { event: events?.[index], out })
      else this.#copy(segment, index, { rows, out })
      records.end()
    }
  }

  /** An item of the window gives up its number to another one. */
  forget(item: number): void {
    this.#kept.forget(item)
  }

  #clear(): void {
    this.records.clear()
    this.#encoder.clear()
    for (const numbers of this.#numbers.values()) numbers.clear()
    this.#keptNumbers.clear()
    this.#count = 0
  }

  #write(segment: EncodedEvents, index: number, { event, out }: Writing): void {
    const json = bytesOf(segment, index)
    const known = event ?? this.#parse(json)
    const item = known.T === 'n' ? 0 : this.#numberOf(known.T, known.S)
    this.#encoder.encode(known, { item, partition: segment.partitions[index] ?? 0, json }, out)
  }

  /** Copies the record that is kept of an event, or writes an absolute one for the first of its item. */
  #copy(segment: EncodedEvents, index: number, { rows, out }: Copying): void {
    const [from, row, item] = [rows.segments[index], rows.rows[index] ?? 0, rows.items[index] ?? 0]
    if (from === undefined) return
    const number = this.#keptNumberOf(item)
    const partition = segment.partitions[index] ?? 0
    const parse = (): MarketEvent => this.#parse(bytesOf(segment, index))
    const records = this.#kept.of(
      { segment: from, row, item, partition, before: this.#addresses[number] },
      parse,
    )
    this.#addresses[number] = from.firstAddress + row
    const kind = records.kinds[row]
    if (kind === kept.json) return
    if (kind === kept.absolute) {
      out.number(recordKinds.absolute)
      out.number(number)
      records.copy(row, out)
    } else if (this.#areTold[number] === true) {
      out.number(number + firstItem)
      records.copy(row, out)
    } else {
      this.#encoder.absoluteOf(parse(), { item: number, partition, scale: records.scales[row] ?? 0 }, out)
    }
    this.#areTold[number] = true
  }

  #numberOf(type: EventType, symbol: string): number {
    let numbers = this.#numbers.get(type)
    if (numbers === undefined) this.#numbers.set(type, (numbers = new Map()))
    let number = numbers.get(symbol)
    if (number === undefined) numbers.set(symbol, (number = this.#count++))
    return number
  }

  #keptNumberOf(item: number): number {
    const known = this.#keptNumbers.get(item)
    if (known !== undefined) return known
    const number = this.#count++
    this.#keptNumbers.set(item, number)
    this.#addresses[number] = -1
    this.#areTold[number] = false
    return number
  }

  #parse(json: Buffer): MarketEvent {
    const fastParser = this.#fastParser.read(json)
    if (fastParser !== undefined) return fastParser
    // It was checked when it was taken in.
    const event = JSON.parse(json.toString('utf8')) as MarketEvent
    this.#fastParser.learn(event)
    return event
  }
}

interface Writing {
  readonly event: MarketEvent | undefined
  readonly out: TapeWriter
}

interface Copying {
  readonly rows: RecentRows
  readonly out: TapeWriter
}

function bytesOf(segment: EncodedEvents, index: number): Buffer {
  return segment.bytes.subarray(segment.start(index), segment.end(index))
}

/** The records of the events of a run, by their index there; what has none goes as JSON. */
export class TapeRecords {
  readonly #bytes = new TapeWriter()
  /** Where each ends. */
  #ends = new Uint32Array(512)
  #count = 0

  /** Where the record of the event with this index is written next; those before that were left out have none. */
  begin(index: number): TapeWriter {
    while (this.#count < index) this.end()
    return this.#bytes
  }

  /** Ends the record that was written. */
  end(): void {
    if (this.#count === this.#ends.length) {
      const ends = new Uint32Array(this.#count * 2)
      ends.set(this.#ends)
      this.#ends = ends
    }
    this.#ends[this.#count++] = this.#bytes.length
  }

  /** The length of an event's record; 0 if it has none. */
  lengthAt(index: number): number {
    return index < this.#count ? (this.#ends[index] ?? 0) - this.#startOf(index) : 0
  }

  /** Appends an event's record. */
  copy(index: number, out: TapeWriter): void {
    out.append(this.#bytes.bytes.subarray(this.#startOf(index), this.#ends[index]))
  }

  clear(): void {
    this.#bytes.clear()
    this.#count = 0
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }
}
