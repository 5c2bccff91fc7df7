import { Random } from '../../../test/support/random.ts'
import { symbolOf, tradeText, ZipfDraw } from '../../lib/generated-events.ts'
import { sumOf } from '../../lib/statistics.ts'

/** An event of a batch: its symbol, and itself in JSON. */
export interface BatchEvent {
  readonly symbol: string
  readonly text: string
}

/** The events that one answer of the log holds. */
export type Batch = readonly BatchEvent[]

/** Subscriptions, and the events that come. */
export interface Workload {
  readonly name: string
  /** In words, for the report. */
  readonly description: string
  /** The symbols of all clients, where they have the same. */
  readonly shared: readonly string[] | undefined
  /** The symbols of each client. The last client receives only the first event of each unwanted batch. */
  readonly lists: readonly (readonly string[])[]
  /** The symbol of the next event. */
  draw(): string
}

/** Batches of events at intervals of `intervalMs`. */
export interface Schedule {
  readonly batches: readonly Batch[]
  readonly intervalMs: number
}

const listLength = 20
const marketSymbols = 500
const seed = 7
const firstTradeId = 52_983_525_000_000
/** The symbol of the last client. */
export const lastClientSymbol = 'WITNESS'

/** So many clients with the same 20 items; every event is for all. */
export function sameItems(clients: number): Workload {
  const symbols = Array.from({ length: listLength }, (_, index) => symbolOf(index))
  const random = new Random(seed)
  const who = `${clients.toLocaleString('en-US')} clients with the same ${listLength} items`
  return {
    name: 'same items',
    description: `${who}; every event is for all of them`,
    shared: symbols,
    lists: [...Array.from({ length: clients }, () => symbols), [lastClientSymbol]],
    draw: () => random.pick(symbols),
  }
}

/** So many clients with 20 of 500 symbols each, by Zipf's law, as are the events. */
export function watchLists(clients: number): Workload {
  const draw = new ZipfDraw(new Random(seed), marketSymbols)
  const who = `${clients.toLocaleString('en-US')} clients with ${listLength} of ${marketSymbols} symbols each`
  return {
    name: 'watch lists',
    description: `${who}, drawn by Zipf's law, as are the events`,
    shared: undefined,
    lists: [
      ...Array.from({ length: clients }, () => draw.distinct(listLength).map(symbolOf)),
      [lastClientSymbol],
    ],
    draw: () => symbolOf(draw.next()),
  }
}

/** So many batches of `size` events that the workload's clients want, as far as their lists go. */
export function makeBatches(workload: Workload, count: number, size: number): Batch[] {
  return batchesOf(() => workload.draw(), count, size)
}

/** The same of symbols that only the last client subscribes to: they cost what reading costs. */
export function makeUnwanted(count: number, size: number): Batch[] {
  let made = 0
  return batchesOf(() => (made++ % size === 0 ? lastClientSymbol : `NOT${made % listLength}`), count, size)
}

function batchesOf(draw: () => string, count: number, size: number): Batch[] {
  let made = 0
  const next = (): BatchEvent => {
    const symbol = draw()
    const event = { symbol, made, size: 1 + (made % 900) }
    return { symbol, text: tradeText(firstTradeId + made++, event) }
  }
  return Array.from({ length: count }, () => Array.from({ length: size }, next))
}

/** The number of events of some batches that each client receives. */
export function expectedOf({ lists }: Workload, batches: readonly Batch[]): Uint32Array {
  const bySymbol = countBy(batches.flat().map(({ symbol }) => symbol))
  return Uint32Array.from(lists, list => sumOf(list, symbol => bySymbol.get(symbol) ?? 0))
}

/** The deliveries that have been made when each of the batches has arrived everywhere. */
export function cumulatedOf({ lists }: Workload, batches: readonly Batch[]): number[] {
  const clients = countBy(lists.flat())
  let sum = 0
  return batches.map(batch => (sum += sumOf(batch, ({ symbol }) => clients.get(symbol) ?? 0)))
}

function countBy(symbols: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  return counts
}

/** The batch of every event that a client receives, in order. */
export function batchNumbersOf(list: readonly string[], batches: readonly Batch[]): number[] {
  const wanted = new Set(list)
  return batches.flatMap((batch, number) =>
    batch.filter(({ symbol }) => wanted.has(symbol)).map(() => number),
  )
}
