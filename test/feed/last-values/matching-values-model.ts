import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Quote } from '../../../src/event/event.ts'
import type { Feed } from '../../../src/feed/feed.ts'
import { MatchingValues } from '../../../src/feed/last-values/matching-values.ts'
import { type Filter, parseFilter } from '../../../src/filter/filter.ts'
import { createTestFeed } from '../../support/defaults.ts'

const symbols = ['A', 'B', 'C', 'D', 'E']
const topic = 'market.quotes'

/** An event as it came in. `bs` is its number among all. */
interface Arrival {
  readonly quote: Quote
  readonly partition: number
  readonly offset: number
  /** When it was written: before it came in. */
  readonly writtenMs: number
}

/** A filter, and the same as a function that nothing of ours evaluates. */
const filters = [
  { where: { bp: { eq: 1 } }, passes: ({ bp }: Quote) => bp === 1 },
  { where: { spread: { lte: 2 } }, passes: ({ bp, ap }: Quote) => ap - bp <= 2 },
  {
    where: { any: [{ bp: { eq: 4 } }, { S: { eq: 'A' } }] },
    passes: ({ S, bp }: Quote) => bp === 4 || S === 'A',
  },
  { where: { bp: { gt: 9 } }, passes: () => false },
] as const

interface ComingQuote {
  readonly symbol: string
  readonly bp: number
  readonly padding: number
  readonly place: number
  readonly ageMs: number
}

const anyPlace = fc.nat(1)
const coming = fc.record({
  place: anyPlace,
  ageMs: fc.constantFrom(0, 0, 700),
  symbol: fc.constantFrom(...symbols),
  bp: fc.integer({ min: 1, max: 4 }),
  padding: fc.constantFrom(0, 0, 1000, 6000),
})
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('quotes' as const),
      quotes: fc.array(coming, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(400) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('snapshot' as const),
      filter: fc.constantFrom(...filters),
      names: fc.constantFrom<'*' | readonly string[]>('*', ['A'], ['E', 'C', 'NONE'], symbols),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'truncate' as const), place: anyPlace }),
  },
)

type ModelFilter = (typeof filters)[number]
type Names = '*' | readonly string[]

interface NodeOptions {
  readonly maxItems: number
  readonly maxBytes: number
  readonly testsPerTurn: number
  readonly partitions: number
}

/** A node that reads a log, and what there is to be found. */
class Node {
  readonly feed: Feed
  readonly values: MatchingValues
  readonly arrivals: Arrival[] = []
  readonly #turns: (() => void)[] = []
  readonly #partitions: { readonly topic: string; readonly partition: number }[]
  readonly #offsets: number[]
  nowMs = 0
  /** Whether the log has lacked something, or was cut back. */
  hasLost = false

  constructor({ maxItems, maxBytes, testsPerTurn, partitions }: NodeOptions) {
    this.feed = createTestFeed({ maxItems, window: { maxBytes, maxAgeMs: 1000 } })
    this.values = new MatchingValues({
      lastValues: this.feed.lastValues,
      window: this.feed.window,
      testsPerTurn,
      nextTurn: work => this.#turns.push(work),
    })
    this.#partitions = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    this.#offsets = this.#partitions.map(() => 0)
    for (let place = 0; place < partitions; place++) this.#advance(place, 0)
  }

  /** Whether everything that came in can be found. */
  get isWhole(): boolean {
    const { window } = this.feed
    const dropped = Object.values(window.counts.dropped).reduce((sum, count) => sum + count, 0)
    return dropped + this.forgotten === 0 && !this.hasLost
  }

  /** How many items were forgotten. */
  get forgotten(): number {
    return Object.values(this.feed.lastValues.items.forgotten).reduce((sum, count) => sum + count, 0)
  }

  /** Adds a quote. The symbol E comes in any partition, the others each in one. */
  add({ symbol, bp, padding, place, ageMs }: ComingQuote): void {
    const at = (symbol === 'E' ? place : symbols.indexOf(symbol)) % this.#partitions.length
    const offset = this.#offsets[at]!
    const partition = this.feed.numberOf(this.#partitions[at]!)
    const number = this.arrivals.length
    const quote: Quote = {
      T: 'q',
      S: symbol,
      bp,
      bs: number,
      ap: bp + (number % 4),
      as: 1,
      c: ['x'.repeat(padding)],
      t: new Date(number).toISOString(),
    }
    const writtenMs = this.nowMs - ageMs
    this.feed.add(quote, { partition, offset, writtenMs })
    this.arrivals.push({ quote, partition, offset, writtenMs })
    this.#advance(at, offset + 1)
    this.feed.flush()
  }

  wait(ms: number): void {
    this.nowMs += ms
    this.feed.tick(this.nowMs)
  }

  lose(place: number): void {
    const at = place % this.#partitions.length
    const to = this.#offsets[at]! + 3
    this.hasLost = true
    this.feed.lose(this.#partitions[at]!, to)
    this.#advance(at, to)
  }

  truncate(place: number): void {
    const at = place % this.#partitions.length
    this.hasLost = true
    this.#advance(at, Math.floor(this.#offsets[at]! / 2))
  }

  /** Runs one turn of the event loop. Returns false if nobody waits for it. */
  turn(): boolean {
    const work = this.#turns.shift()
    work?.()
    return work !== undefined
  }

  /** The number of the newest event of a symbol that passes, of those that the node holds now. */
  newestOf(symbol: string, passes: ModelFilter['passes']): number | undefined {
    const { lastValues, window } = this.feed
    const item = lastValues.items.find('quotes', symbol)
    if (item === undefined) return undefined
    const ofItem = this.arrivals.filter(({ quote }) => quote.S === symbol)
    const held = ofItem.filter(
      (arrival, place) =>
        place === ofItem.length - 1 ||
        ((item.isSplit || arrival.partition === item.partition) &&
          arrival.offset >= (window.at(arrival.partition)?.from ?? Infinity)),
    )
    return held.findLast(({ quote }) => passes(quote))?.quote.bs
  }

  #advance(place: number, offset: number): void {
    this.#offsets[place] = offset
    this.feed.advance({ partition: this.#partitions[place]!, epoch: 'e', offset }, offset)
  }
}

/** A snapshot on its way. */
class ModelSnapshot {
  readonly #node: Node
  readonly #filter: ModelFilter
  readonly #wanted: readonly string[]
  readonly #values: Iterator<Buffer | undefined>
  readonly #found = new Set<string>()
  /** The symbols of which nothing passed at some moment. */
  readonly #absent = new Set<string>()
  readonly #begun: number
  #missingMs = -Infinity
  isDone = false

  constructor(node: Node, filter: ModelFilter, names: Names) {
    this.#node = node
    this.#filter = filter
    this.#wanted = names === '*' ? symbols : names
    this.#begun = node.arrivals.length
    const request = { channel: 'quotes', symbols: names, filter: filterOf(filter.where) } as const
    this.#values = node.values.snapshot(request, ms => (this.#missingMs = Math.max(this.#missingMs, ms)))
    this.look()
  }

  /** Notes what is absent now. */
  look(): void {
    for (const symbol of this.#wanted)
      if (this.#node.newestOf(symbol, this.#filter.passes) === undefined) this.#absent.add(symbol)
  }

  /** Takes what there is in this turn. */
  take(): void {
    while (!this.isDone) {
      const { done, value } = this.#values.next()
      if (done === true) this.#end()
      else if (value === undefined) return
      else this.#check(JSON.parse(value.toString()))
    }
  }

  #check({ S, bs }: Quote): void {
    assert.deepEqual([S, bs], [S, this.#node.newestOf(S, this.#filter.passes)])
    // An item that was forgotten and came again has another turn.
    assert.ok(this.#node.forgotten > 0 || !this.#found.has(S), `${S} once`)
    assert.ok(this.#wanted.includes(S), `${S}: wanted`)
    this.#found.add(S)
  }

  #end(): void {
    this.isDone = true
    const missing = this.#wanted.filter(symbol => !this.#found.has(symbol))
    for (const symbol of missing) assert.ok(this.#absent.has(symbol), `${symbol}: found`)
    const { feed, arrivals, isWhole } = this.#node
    const sinceMs = Math.max(feed.completeSinceMs(['quotes']) ?? -Infinity, this.#missingMs)
    assert.ok(!isWhole || sinceMs === -Infinity, 'nothing can be missing')
    for (const { quote, writtenMs } of arrivals.slice(0, this.#begun))
      if (missing.includes(quote.S) && this.#filter.passes(quote))
        assert.ok(writtenMs < sinceMs, `${quote.S} of ${writtenMs} is missing, since ${sinceMs}`)
  }
}

function filterOf(where: object): Filter {
  const filter = parseFilter('quotes', where)
  if ('fault' in filter) throw new Error(filter.fault)
  return filter
}

/**
 * Runs random lists of steps of a node of which snapshots are taken meanwhile: each has the newest event of
 * each item that passes its filter and is in memory, and states since when nothing is missing. Returns the
 * seed and the shortest failing list, or undefined.
 */
export function findFailingSnapshots(runs: number): string | undefined {
  const property = fc.property(
    fc.array(step, { minLength: 10, maxLength: 60 }),
    fc.record({
      maxItems: fc.constantFrom(1, 2, 3, 4, 5, 6, 100),
      maxBytes: fc.constantFrom(1, 50_000, 100_000, 1_000_000),
      testsPerTurn: fc.constantFrom(1, 2, 5, 1000),
      partitions: fc.constantFrom(1, 2),
    }),
    (steps, options) => {
      const node = new Node(options)
      let snapshots: ModelSnapshot[] = []
      for (const one of steps) {
        if (one.kind === 'quotes') {
          for (const quote of one.quotes) {
            node.add(quote)
            for (const snapshot of snapshots) snapshot.look()
          }
        } else if (one.kind === 'snapshot') snapshots.push(new ModelSnapshot(node, one.filter, one.names))
        else if (one.kind === 'wait') node.wait(one.ms)
        else if (one.kind === 'lose') node.lose(one.place)
        else if (one.kind === 'truncate') node.truncate(one.place)
        else if (node.turn() || snapshots.length > 0) for (const snapshot of snapshots) snapshot.take()
        snapshots = snapshots.filter(({ isDone }) => !isDone)
        for (const snapshot of snapshots) snapshot.look()
      }
      for (let turns = 0; snapshots.length > 0; turns++) {
        expect(turns).toBeLessThan(3000)
        for (const snapshot of snapshots) snapshot.take()
        snapshots = snapshots.filter(({ isDone }) => !isDone)
        if (snapshots.length > 0) expect(node.turn()).toBe(true)
      }
    },
  )
  return fc.defaultReportMessage(fc.check(property, { numRuns: runs }))
}
