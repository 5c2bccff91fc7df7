import { Random } from '../../test/support/random.ts'

/** An event of a batch: its symbol, and itself in JSON. */
export interface BatchEvent {
  readonly symbol: string
  readonly text: string
}

/** The events that one answer of the log holds. */
export type Batch = readonly BatchEvent[]

/** Who subscribes to what, and which events come. */
export interface Workload {
  readonly name: string
  /** In words, for the report. */
  readonly description: string
  /** The symbols of all clients, where they have the same. */
  readonly shared: readonly string[] | undefined
  /** The symbols of each client. The last one is the witness, which receives nothing but the first of each unwanted batch. */
  readonly lists: readonly (readonly string[])[]
  /** The symbol of the next event. */
  draw(): string
}

/** Batches of `size` events each, at intervals of `intervalMs`. */
export interface Schedule {
  readonly batches: readonly Batch[]
  readonly intervalMs: number
}

const listLength = 20
const marketSymbols = 500
const seed = 7
const witnessed = 'WITNESS'

/** So many clients with the same 20 items; every event is for all. */
export function sameItems(clients: number): Workload {
  const symbols = symbolNames(listLength)
  const random = new Random(seed)
  return {
    name: 'same items',
    description: `${clients.toLocaleString('en-US')} clients with the same ${listLength} items; every event is for all of them`,
    shared: symbols,
    lists: [...Array.from({ length: clients }, () => symbols), [witnessed]],
    draw: () => random.pick(symbols),
  }
}

/** So many clients with 20 of 500 symbols each, by Zipf's law, as are the events. */
export function watchLists(clients: number): Workload {
  const random = new Random(seed)
  const draw = zipf(symbolNames(marketSymbols), random)
  return {
    name: 'watch lists',
    description: `${clients.toLocaleString('en-US')} clients with ${listLength} of ${marketSymbols} symbols each, drawn by Zipf's law, as are the events`,
    shared: undefined,
    lists: [...Array.from({ length: clients }, () => distinct(draw)), [witnessed]],
    draw,
  }
}

/** So many batches of events that the workload's clients want, as far as their lists go. */
export function makeBatches(workload: Workload, count: number, size: number): Batch[] {
  return batchesOf(() => workload.draw(), count, size)
}

/** The same of symbols that nobody but the witness subscribes to: what they cost is reading. */
export function makeUnwanted(count: number, size: number): Batch[] {
  let made = 0
  return batchesOf(() => (made++ % size === 0 ? witnessed : `NOT${made % listLength}`), count, size)
}

/** How many events of some batches are for each client. */
export function expectedOf({ lists }: Workload, batches: readonly Batch[]): Uint32Array {
  const bySymbol = new Map<string, number>()
  for (const { symbol } of batches.flat()) bySymbol.set(symbol, (bySymbol.get(symbol) ?? 0) + 1)
  return Uint32Array.from(lists, list => list.reduce((sum, symbol) => sum + (bySymbol.get(symbol) ?? 0), 0))
}

/** How many deliveries have been made when each of the batches has arrived everywhere. */
export function cumulatedOf({ lists }: Workload, batches: readonly Batch[]): number[] {
  const clients = new Map<string, number>()
  for (const symbol of lists.flat()) clients.set(symbol, (clients.get(symbol) ?? 0) + 1)
  let sum = 0
  return batches.map(batch => {
    for (const { symbol } of batch) sum += clients.get(symbol) ?? 0
    return sum
  })
}

/** The batch of every event that a client receives, in order. */
export function batchNumbersOf(list: readonly string[], batches: readonly Batch[]): number[] {
  const wanted = new Set(list)
  return batches.flatMap((batch, number) =>
    batch.filter(({ symbol }) => wanted.has(symbol)).map(() => number),
  )
}

function batchesOf(draw: () => string, count: number, size: number): Batch[] {
  let made = 0
  const next = (): BatchEvent => {
    const symbol = draw()
    return { symbol, text: tradeText(symbol, made++) }
  }
  return Array.from({ length: count }, () => Array.from({ length: size }, next))
}

/** A trade of some 120 bytes. */
function tradeText(symbol: string, made: number): string {
  const price = (10_000 + (made % 5000)) / 100
  const time = `2026-01-02T14:30:00.${String(made * 1009).padStart(9, '0')}Z`
  return `{"T":"t","S":"${symbol}","i":${52_983_525_000_000 + made},"x":"V","p":${price},"s":${1 + (made % 900)},"t":"${time}","c":["@","I"],"z":"C"}`
}

function distinct(draw: () => string): string[] {
  const list = new Set<string>()
  while (list.size < listLength) list.add(draw())
  return [...list]
}

/** Draws the n-th name with a weight of 1/n. */
function zipf(names: readonly string[], random: Random): () => string {
  let sum = 0
  const sums = names.map((_, index) => (sum += 1 / (index + 1)))
  return () => {
    const at = random.next() * sum
    let low = 0
    let high = sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > at) high = middle
      else low = middle + 1
    }
    return names[low] ?? ''
  }
}

/** Three letters each. */
function symbolNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    String.fromCharCode(...[676, 26, 1].map(unit => 65 + (Math.floor(index / unit) % 26))),
  )
}
