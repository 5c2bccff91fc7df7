import type { EventType, MarketEvent } from '../event/event.ts'
import { FamiliarEvents } from '../event/familiar-events.ts'
import { TapeEncoder } from './tape/tape-encoder.ts'
import { TapeRecords } from './tape-records.ts'
import type { Flush } from './wire-form.ts'

/**
 * Encodes what is read later than it came as a chain of its own, which begins anew with each run: the first event of an item is
 * absolute, so that nothing is kept for a reader between two runs. Its items are numbered from 0, by their first events.
 */
export class TapeRun {
  readonly records = new TapeRecords()
  readonly #encoder = new TapeEncoder()
  readonly #familiar = new FamiliarEvents()
  readonly #numbers = new Map<EventType, Map<string, number>>()
  #count = 0

  /** How many items the run has. */
  get size(): number {
    return this.#count
  }

  /** Encodes what is marked, instead of the run before. */
  encode({ segment, marks, events }: Flush): void {
    this.#clear()
    const { records } = this
    const place = { item: 0, partition: 0, json: segment.bytes }
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.indices[mark] ?? 0
      place.json = segment.bytes.subarray(segment.start(index), segment.end(index))
      const event = events?.[index] ?? this.#parse(place.json)
      place.item = event.T === 'n' ? 0 : this.#numberOf(event.T, event.S)
      place.partition = segment.partitions[index] ?? 0
      this.#encoder.encode(event, place, records.begin(index))
      records.end()
    }
  }

  #clear(): void {
    this.records.clear()
    this.#encoder.clear()
    for (const numbers of this.#numbers.values()) numbers.clear()
    this.#count = 0
  }

  #numberOf(type: EventType, symbol: string): number {
    let numbers = this.#numbers.get(type)
    if (numbers === undefined) this.#numbers.set(type, (numbers = new Map()))
    let number = numbers.get(symbol)
    if (number === undefined) numbers.set(symbol, (number = this.#count++))
    return number
  }

  #parse(json: Buffer): MarketEvent {
    const familiar = this.#familiar.read(json)
    if (familiar !== undefined) return familiar
    // It was checked when it was taken in.
    const event = JSON.parse(json.toString('utf8')) as MarketEvent
    this.#familiar.learn(event)
    return event
  }
}
