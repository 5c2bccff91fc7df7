import { ConflatedCursor } from '../../../src/feed/recent-events/conflated-cursor.ts'
import type { LostRange, PartitionWindow } from '../../../src/feed/recent-events/partition-window.ts'
import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import { readConflated } from '../../../src/feed/recent-events/read-conflated.ts'
import {
  type FilterOfItem,
  type ItemFilter,
  followChains,
  predicateOf,
  readEvents,
  scanEvents,
} from '../../../src/feed/recent-events/read-events.ts'
import type { StatedEvent } from './batch.ts'

/** What a reader is held against. */
export interface Truth {
  readonly window: PartitionWindow
  /** The events that the window has, or should have. */
  readonly events: readonly StatedEvent[]
  expect(what: string, actual: unknown, expected: unknown): void
}

/** What a reader wants: some items, and the events of these that pass their filters. */
export interface Wanted {
  readonly wanted: ItemFilter
  readonly filterOf?: FilterOfItem
}

/** An event that was read. */
export interface Taken {
  readonly offset: number
  readonly text: string
  readonly replaced: number
}

/** The events in a buffer. */
export function contentsOf(readBuffer: ReadBuffer): Taken[] {
  return Array.from({ length: readBuffer.count }, (_, index) => ({
    offset: readBuffer.offsets[index]!,
    text: readBuffer.bytes.toString('utf8', readBuffer.start(index), readBuffer.end(index)),
    replaced: readBuffer.replaced[index]!,
  }))
}

function wantedFrom({ events }: Truth, from: number, { wanted, filterOf }: Wanted): StatedEvent[] {
  const wants = predicateOf(wanted)
  const passes = ({ text, items: [item] }: StatedEvent): boolean =>
    filterOf?.(item)?.matches(JSON.parse(text)) ?? true
  return events.filter(event => event.offset >= from && event.items.some(wants) && passes(event))
}

function lostFrom({ window }: Truth, from: number): LostRange | undefined {
  return from < window.from ? { kind: 'lost', from, to: window.from } : undefined
}

/** A reader that wants every event. */
export class EventReader {
  readonly #wanted: Wanted
  #from: number

  constructor(wanted: Wanted, from: number) {
    this.#wanted = wanted
    this.#from = from
  }

  /** Everything before it was read. */
  get reached(): number {
    return this.#from
  }

  read(truth: Truth, readBuffer: ReadBuffer): void {
    const from = this.#from
    const lost = lostFrom(truth, from)
    const answer = readEvents(truth.window, { from, ...this.#wanted, readBuffer })
    if (lost !== undefined || answer.kind !== 'read') {
      truth.expect('lost', answer, lost)
      this.#from = truth.window.from
      return
    }
    const expected = wantedFrom(truth, from, this.#wanted).filter(({ offset }) => offset < answer.to)
    truth.expect(
      'read',
      contentsOf(readBuffer),
      expected.map(({ offset, text }) => ({ offset, text, replaced: 0 })),
    )
    truth.expect('a way forward', answer.to > from || from === truth.window.to, true)
    this.#from = answer.to
    this.#compareWays(truth, from)
  }

  /** Looking at each row and following chains give the same. */
  #compareWays(truth: Truth, from: number): void {
    const wanted = this.#wanted
    const limits = { maxBytes: 64_000, maxEvents: 500, maxSteps: 1e9, maxEvaluations: 1e9 }
    const scanned = new ReadBuffer(limits)
    const followed = new ReadBuffer(limits)
    const to = scanEvents(truth.window, { from, ...wanted, readBuffer: scanned }, 1e9)
    scanned.seal()
    const end = followChains(truth.window, { from, ...wanted, readBuffer: followed }, 1e9)
    followed.seal()
    truth.expect('a predicate has no chains', end === undefined, typeof wanted.wanted === 'function')
    if (end === undefined) return
    truth.expect('both ways', contentsOf(followed), contentsOf(scanned))
    truth.expect('both ways: to', end, to)
  }
}

/** A reader that wants the newest of each item; its items share no events. */
export class ConflatedModelReader {
  readonly #wanted: Wanted
  readonly #cursor: ConflatedCursor
  readonly #begin: number
  /** Up to where each item is settled. */
  readonly #settled = new Map<number, number>()

  constructor(wanted: Wanted, from: number) {
    this.#wanted = wanted
    this.#cursor = new ConflatedCursor(from)
    this.#begin = from
  }

  /** Everything before it is settled. */
  get reached(): number {
    return this.#cursor.lowest
  }

  read(truth: Truth, readBuffer: ReadBuffer): void {
    const { window } = truth
    const lost = lostFrom(truth, this.reached)
    const answer = readConflated(window, { cursor: this.#cursor, ...this.#wanted, readBuffer })
    if (lost !== undefined || answer.kind !== 'read') {
      truth.expect('lost', answer, lost)
      return
    }
    const taken = contentsOf(readBuffer)
    truth.expect(
      'order',
      taken,
      taken.toSorted((a, b) => a.offset - b.offset),
    )
    for (const one of taken) this.#settle(truth, one)
    if (answer.to < window.to) return
    const pending = wantedFrom(truth, 0, this.#wanted).filter(
      ({ offset, items: [item] }) => offset >= this.#settledOf(item),
    )
    truth.expect('left out', pending, [])
  }

  #settledOf(item: number): number {
    return this.#settled.get(item) ?? this.#begin
  }

  /** It is the newest of an item that was not settled, and says how many it replaces. */
  #settle(truth: Truth, taken: Taken): void {
    const [item] = truth.events.find(({ offset }) => offset === taken.offset)!.items
    const own = wantedFrom(truth, this.#settledOf(item), this.#wanted).filter(
      ({ items }) => items[0] === item,
    )
    const newest = own.at(-1)
    truth.expect('newest', taken, {
      offset: newest?.offset,
      text: newest?.text,
      replaced: own.length - 1,
    })
    this.#settled.set(item, truth.window.to)
  }
}
