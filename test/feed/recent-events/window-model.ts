import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import type { FilterOfItem } from '../../../src/feed/recent-events/read-events.ts'
import { RecentEvents } from '../../../src/feed/recent-events/recent-events.ts'
import { append, type StatedEvent } from './batch.ts'
import { EventReader, ConflatedModelReader, type Truth, type Wanted } from './window-readers.ts'

const maxBytes = 160_000
const maxAgeMs = 8000

/** Something that may happen to a window. Numbers are taken modulo what there is. */
export type Step =
  | Arrival
  | { readonly kind: 'advance' | 'gap'; readonly by: number }
  | { readonly kind: 'again' }
  | { readonly kind: 'forget'; readonly item: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'read'; readonly reader: number; readonly limit: number }

interface Arrival {
  readonly kind: 'append'
  readonly gaps: readonly number[]
  readonly size: number
  readonly items: readonly number[]
  /** How many items of each sort have their turn. */
  readonly copies: number
}

interface RecentEvent extends StatedEvent {
  readonly atMs: number
}

/** Items are of twelve sorts; those of the last four share events. */
const sorts = 12
const single = 8
/** Of each sort. */
const copies = 40
const all = Array.from({ length: sorts * copies }, (_, item) => item)
const isSingle = (item: number) => item % sorts < single

/** The items of an event are all of a channel, so that they have the same filter. */
const every = (divisor: number) => ({
  matches: (event: MarketEvent) => event.T === 'n' && Number(event.id) % divisor === 0,
})
const [some, few, none] = [every(2), every(37), every(Infinity)]
const ofSingles: FilterOfItem = item => (isSingle(item) ? [some, few, none, undefined][item % 4] : undefined)

const wanteds: readonly Wanted[] = [
  { wanted: new Set([0]) },
  { wanted: new Set([1, 5, 9, 7777]) },
  { wanted: new Set([2, 3, 8, 9, 10]) },
  { wanted: new Set(all) },
  { wanted: item => item % 2 === 0 },
  { wanted: () => true },
  { wanted: new Set([0, 1, 4, 9]), filterOf: () => few },
  { wanted: new Set([2, 3, 8, 9, 10]), filterOf: ofSingles },
  { wanted: () => true, filterOf: item => (isSingle(item) ? none : some) },
]
const singles: readonly Wanted[] = [
  { wanted: new Set([0]) },
  { wanted: new Set([1, 4, 13, 7777]) },
  { wanted: isSingle },
  { wanted: new Set(all.filter(isSingle)) },
  { wanted: new Set([0, 1, 4, 13, 7777]), filterOf: () => some },
  { wanted: isSingle, filterOf: ofSingles },
]

const limits = [
  { maxBytes: 64_000, maxEvents: 500, maxSteps: 50_000 },
  { maxBytes: 300, maxEvents: 500, maxSteps: 50_000 },
  { maxBytes: 64_000, maxEvents: 1, maxSteps: 50_000 },
  { maxBytes: 64_000, maxEvents: 3, maxSteps: 2000 },
  { maxBytes: 64_000, maxEvents: 500, maxSteps: 1 },
  { maxBytes: 5000, maxEvents: 40, maxSteps: 100 },
  { maxBytes: 64_000, maxEvents: 500, maxSteps: 50_000, maxEvaluations: 1 },
  { maxBytes: 300, maxEvents: 500, maxSteps: 50_000, maxEvaluations: 7 },
]

/**
 * One partition's window beside a list of everything that came, with readers that must see what the list
 * says.
 */
export class WindowModel {
  readonly faults: string[] = []
  readonly #window = new RecentEvents({ maxBytes, maxAgeMs })
  #number = 0
  #partition = this.#window.open(0, 0)
  #events: RecentEvent[] = []
  #to = 0
  #nowMs = 1_700_000_000_000
  #readers = readersFrom(0)
  #forgotten = false

  constructor() {
    this.#window.tick(this.#nowMs)
  }

  step(step: Step): void {
    switch (step.kind) {
      case 'append':
        this.#append(step)
        break
      case 'advance':
        this.#to += step.by
        this.#partition.advance(this.#to)
        break
      case 'gap':
        this.#to += step.by
        this.#partition.begin(this.#to)
        if (step.by > 0) this.#events = []
        break
      case 'again':
        this.#again()
        break
      case 'forget':
        this.#forget(step.item % all.length)
        break
      case 'wait':
        this.#nowMs += step.ms
        this.#window.tick(this.#nowMs)
        break
      case 'read':
        this.#readers[step.reader % this.#readers.length]!.read(this.#truth(), readBufferOf(step.limit))
        break
    }
    this.#check()
    this.#partition.assertInvariants()
  }

  /** Everybody reads what is left. */
  finish(): void {
    for (const reader of this.#readers) {
      for (let reads = 0; reader.reached < this.#to && reads < 20_000; reads++) {
        reader.read(this.#truth(), readBufferOf(reads))
      }
      this.#expect('everything is read', reader.reached, this.#to)
    }
  }

  #expect(what: string, actual: unknown, expected: unknown): void {
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (found !== wanted) this.faults.push(`${what}: ${found} instead of ${wanted}`)
  }

  #truth(): Truth {
    return {
      window: this.#partition,
      events: this.#events,
      expect: (what, actual, expected) => this.#expect(what, actual, expected),
    }
  }

  #append({ gaps, size, items, copies: turns }: Arrival): void {
    const stated = gaps.map((gap, index): RecentEvent => {
      const sort = items[index % items.length]! % sorts
      const first = sort + sorts * (((index * 7) % turns) % copies)
      const offset = this.#to + gap
      this.#to = offset + 1
      const shared = [first, single + ((sort + 1) % 4), single + ((sort + 2) % 4)] as const
      const numbers: StatedEvent['items'] = isSingle(first) || index % 2 === 0 ? [first] : shared
      return {
        offset,
        text: JSON.stringify({ T: 'n', id: offset }).padEnd(size),
        items: numbers,
        atMs: this.#nowMs,
      }
    })
    this.#events.push(...stated)
    append(this.#partition, stated)
  }

  /** The topic is recreated. */
  #again(): void {
    this.#window.forget(this.#number++)
    this.#to = 5
    this.#partition = this.#window.open(this.#number, this.#to)
    this.#events = []
    this.#readers = readersFrom(this.#to)
  }

  /** An item's number is to stand for another one, whose events may come next. */
  #forget(item: number): void {
    const last = this.#events.findLast(({ items }) => items.includes(item))
    const from = Math.max(this.#partition.from, last === undefined ? 0 : last.offset + 1)
    const [window, { events }] = [this.#window, this.#window.counts]
    window.forgetItem({ number: item, channel: 'trades', partition: this.#number, isSplit: false })
    this.#expect('from', this.#partition.from, from)
    // Its memory is given back with that of its segment.
    this.#expect('events in memory', window.counts.events, events)
    this.#forgotten ||= last !== undefined
  }

  /** What the window has is the end of the list, and leaves when it must, not before. */
  #check(): void {
    const { from, to, recent } = this.#partition
    const { counts } = this.#window
    const dropped = this.#events.filter(event => event.offset < from)
    this.#events = this.#events.filter(event => event.offset >= from)
    const oldestMs = this.#nowMs - (maxAgeMs * 9) / 8
    this.#expect('to', to, this.#to)
    this.#expect('bytes', counts.bytes <= maxBytes, true)
    if (!this.#forgotten) this.#expect('events', counts.events, this.#events.length)
    this.#expect('items', recent.size, new Set(this.#events.flatMap(({ items }) => items)).size)
    this.#expect(
      'kept for too long',
      this.#events.filter(({ atMs }) => atMs < oldestMs),
      [],
    )
    if (counts.dropped.bytes > 0 || this.#forgotten) return
    this.#expect(
      'dropped too early',
      dropped.filter(({ atMs }) => atMs > this.#nowMs - maxAgeMs),
      [],
    )
  }
}

function readersFrom(offset: number): (EventReader | ConflatedModelReader)[] {
  return [
    ...wanteds.map(wanted => new EventReader(wanted, offset)),
    ...singles.map(wanted => new ConflatedModelReader(wanted, offset)),
  ]
}

function readBufferOf(limit: number): ReadBuffer {
  return new ReadBuffer(limits[limit % limits.length]!)
}
