import { Excerpt } from '../../src/tape/excerpt.ts'
import { NewestCursor } from '../../src/tape/newest-cursor.ts'
import type { Lost } from '../../src/tape/partition-window.ts'
import { followChains, readEvents, scanEvents } from '../../src/tape/read-events.ts'
import { readNewest } from '../../src/tape/read-newest.ts'
import type { Wanted } from '../../src/tape/wanted.ts'
import { Window } from '../../src/tape/window.ts'
import { append, type StatedEvent } from './batch.ts'

export const maxBytes = 160_000
export const maxAgeMs = 8000

/** Numbers are taken modulo what there is. */
export type Step =
  | {
      readonly kind: 'append'
      readonly gaps: readonly number[]
      readonly size: number
      readonly items: readonly number[]
      /** How many items of each sort have their turn. */
      readonly copies: number
    }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'gap'; readonly by: number }
  | { readonly kind: 'again' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'read' | 'newest'; readonly reader: number; readonly limit: number }

interface KeptEvent extends StatedEvent {
  readonly atMs: number
}

/** What the excerpt holds, in words. */
interface Taken {
  readonly offset: number
  readonly text: string
  readonly replaced: number
}

export function contentsOf(excerpt: Excerpt): Taken[] {
  return Array.from({ length: excerpt.count }, (_, index) => ({
    offset: excerpt.offsets[index]!,
    text: excerpt.bytes.toString('utf8', excerpt.start(index), excerpt.end(index)),
    replaced: excerpt.replaced[index]!,
  }))
}

/** Items are of twelve sorts; those of the last four share events. */
const sorts = 12
const single = 8
/** Of each sort. */
const copies = 40
const all = Array.from({ length: sorts * copies }, (_, item) => item)
const isSingle = (item: number) => item % sorts < single

const wanteds: readonly Wanted[] = [
  new Set([0]),
  new Set([1, 5, 9, 7777]),
  new Set([2, 3, 8, 9, 10]),
  new Set(all),
  item => item % 2 === 0,
  () => true,
]
/** Conflation tells events of one item apart. */
const singles: readonly Wanted[] = [
  new Set([0]),
  new Set([1, 4, 13, 7777]),
  isSingle,
  new Set(all.filter(isSingle)),
]

const limits = [
  { maxBytes: 64_000, maxEvents: 500, maxSteps: 50_000 },
  { maxBytes: 300, maxEvents: 500, maxSteps: 50_000 },
  { maxBytes: 64_000, maxEvents: 1, maxSteps: 50_000 },
  { maxBytes: 64_000, maxEvents: 3, maxSteps: 2000 },
  { maxBytes: 64_000, maxEvents: 500, maxSteps: 1 },
  { maxBytes: 5000, maxEvents: 40, maxSteps: 100 },
]

/** A reader that wants every event. */
interface EventReader {
  readonly wanted: Wanted
  from: number
}

/** A conflating reader, and up to where each item is settled. */
interface NewestReader {
  readonly wanted: Wanted
  cursor: NewestCursor
  readonly settled: number[]
}

/** One partition's window beside a list of everything that came, with readers that must see what the list says. */
export class WindowModel {
  readonly window = new Window({ maxBytes, maxAgeMs })
  readonly faults: string[] = []
  #number = 0
  #partition = this.window.open(0, 0)
  #events: KeptEvent[] = []
  #to = 0
  #nowMs = 1_700_000_000_000
  #readers: EventReader[] = []
  #newestReaders: NewestReader[] = []

  constructor() {
    this.window.tick(this.#nowMs)
    this.#beginReaders(0)
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
        this.#gap(step.by)
        break
      case 'again':
        this.#again()
        break
      case 'wait':
        this.#nowMs += step.ms
        this.window.tick(this.#nowMs)
        break
      case 'read':
        this.#read(
          this.#readers[step.reader % this.#readers.length]!,
          new Excerpt(limits[step.limit % limits.length]!),
        )
        break
      case 'newest':
        this.#newest(
          this.#newestReaders[step.reader % this.#newestReaders.length]!,
          new Excerpt(limits[step.limit % limits.length]!),
        )
        break
    }
    this.#checkWindow()
  }

  /** Everybody reads what is left. */
  finish(): void {
    for (const reader of this.#readers) {
      for (let reads = 0; reader.from < this.#to; reads++) {
        if (reads > 20_000) return this.#fault('a reader does not get on')
        this.#read(reader, new Excerpt(limits[reads % limits.length]!))
      }
    }
    for (const reader of this.#newestReaders) {
      for (let reads = 0; reader.cursor.lowest < this.#to; reads++) {
        if (reads > 20_000) return this.#fault('a conflating reader does not get on')
        this.#newest(reader, new Excerpt(limits[reads % limits.length]!))
      }
    }
  }

  #fault(text: string): void {
    this.faults.push(text)
  }

  #expect(what: string, actual: unknown, expected: unknown): void {
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (found !== wanted) this.#fault(`${what}: ${found} instead of ${wanted}`)
  }

  #beginReaders(offset: number): void {
    this.#readers = wanteds.map(wanted => ({ wanted, from: offset }))
    this.#newestReaders = singles.map(wanted => ({ wanted, cursor: new NewestCursor(offset), settled: [] }))
  }

  #append({ gaps, size, items, copies: turns }: Extract<Step, { kind: 'append' }>): void {
    const stated = gaps.map((gap, index): KeptEvent => {
      const sort = items[index % items.length]! % sorts
      const first = sort + sorts * (((index * 7) % turns) % copies)
      const offset = this.#to + gap
      this.#to = offset + 1
      const shared = [first, single + ((sort + 1) % 4), single + ((sort + 2) % 4)] as const
      const numbers: StatedEvent['items'] = isSingle(first) || index % 2 === 0 ? [first] : shared
      return { offset, text: `${offset}`.padEnd(size, '·'), items: numbers, atMs: this.#nowMs }
    })
    this.#events.push(...stated)
    append(this.#partition, stated)
  }

  #gap(by: number): void {
    this.#to += by
    this.#partition.begin(this.#to)
    if (by > 0) this.#events = []
  }

  /** The topic is made again. */
  #again(): void {
    this.window.forget(this.#number++)
    this.#to = 5
    this.#partition = this.window.open(this.#number, this.#to)
    this.#events = []
    this.#beginReaders(this.#to)
  }

  /** What the window has is the end of the list, and leaves when it must, not before. */
  #checkWindow(): void {
    const { from, to } = this.#partition
    this.#expect('to', to, this.#to)
    const isShort = this.window.counts.dropped.bytes > 0
    const dropped = this.#events.filter(event => event.offset < from)
    const tooEarly = dropped.filter(({ atMs }) => atMs > this.#nowMs - maxAgeMs)
    if (!isShort && tooEarly.length > 0) this.#fault(`dropped for no reason: ${tooEarly[0]!.offset}`)
    this.#events = this.#events.filter(event => event.offset >= from)
    const oldestMs = this.#nowMs - (maxAgeMs * 9) / 8
    if (this.#events.some(({ atMs }) => atMs < oldestMs)) this.#fault('kept for too long')
    if (this.window.counts.bytes > maxBytes) this.#fault(`${this.window.counts.bytes} bytes kept`)
    this.#expect('events', this.window.counts.events, this.#events.length)
    this.#checkItems()
  }

  #checkItems(): void {
    const present = new Set(this.#events.flatMap(({ items }) => items))
    this.#expect('items', this.#partition.recent.size, present.size)
  }

  #wantedFrom(from: number, wanted: Wanted): KeptEvent[] {
    const has = (item: number) => (typeof wanted === 'function' ? wanted(item) : wanted.has(item))
    return this.#events.filter(({ offset, items }) => offset >= from && items.some(has))
  }

  #lost(from: number): Lost | undefined {
    return from < this.#partition.from ? { kind: 'lost', from, to: this.#partition.from } : undefined
  }

  #read(reader: EventReader, excerpt: Excerpt): void {
    const { from, wanted } = reader
    const lost = this.#lost(from)
    const answer = readEvents(this.#partition, { from, wanted, excerpt })
    if (lost !== undefined || answer.kind !== 'read') {
      this.#expect('lost', answer, lost)
      reader.from = this.#partition.from
      return
    }
    const expected = this.#wantedFrom(from, wanted).filter(({ offset }) => offset < answer.to)
    this.#expectTaken('read', excerpt, expected)
    if (answer.to <= from && from < this.#to) this.#fault(`no way forward from ${from}`)
    reader.from = answer.to
    this.#compareWays(from, wanted)
  }

  /** Looking at each row and following chains give the same. */
  #compareWays(from: number, wanted: Wanted): void {
    const scanned = new Excerpt(limits[0]!)
    const followed = new Excerpt(limits[0]!)
    const to = scanEvents(this.#partition, { from, wanted, excerpt: scanned }, 1e9)
    scanned.seal()
    const end = followChains(this.#partition, { from, wanted, excerpt: followed }, 1e9)
    followed.seal()
    this.#expect('a predicate has no chains', end === undefined, typeof wanted === 'function')
    if (end === undefined) return
    this.#expect('both ways', contentsOf(followed), contentsOf(scanned))
    this.#expect('both ways: to', end, to)
  }

  #expectTaken(what: string, excerpt: Excerpt, expected: readonly KeptEvent[]): void {
    this.#expect(
      what,
      contentsOf(excerpt),
      expected.map(({ offset, text }) => ({ offset, text, replaced: 0 })),
    )
  }

  #newest(reader: NewestReader, excerpt: Excerpt): void {
    const lost = this.#lost(reader.cursor.lowest)
    const answer = readNewest(this.#partition, { ...reader, excerpt })
    if (lost !== undefined || answer.kind !== 'read') {
      this.#expect('lost', answer, lost)
      for (const item of all) {
        reader.settled[item] = Math.max(reader.settled[item] ?? 0, this.#partition.from)
      }
      return
    }
    const taken = contentsOf(excerpt)
    this.#expect(
      'order',
      taken,
      taken.toSorted((a, b) => a.offset - b.offset),
    )
    for (const one of taken) this.#settle(reader, one)
    if (answer.to < this.#to) return
    const pending = this.#wantedFrom(0, reader.wanted).filter(
      ({ offset, items: [item] }) => offset >= (reader.settled[item] ?? 0),
    )
    this.#expect('left out', pending, [])
  }

  /** It is the newest of an item that was not settled, and says how many it replaces. */
  #settle({ wanted, settled }: NewestReader, { offset, text, replaced }: Taken): void {
    const event = this.#wantedFrom(offset, wanted)[0]!
    const [item] = event.items
    const own = this.#wantedFrom(settled[item] ?? 0, wanted).filter(({ items }) => items[0] === item)
    this.#expect(
      'newest',
      { offset, text, replaced },
      { offset: own.at(-1)?.offset, text: event.text, replaced: own.length - 1 },
    )
    settled[item] = this.#to
  }
}
