import { quoteText, symbolOf, tradeText } from '../lib/generated-events.ts'
import type { OutgoingRecord } from './record-batch-writer.ts'

/** Which events of an item were published: 1 to this number, by the number of the symbol. */
export interface Totals {
  readonly trades: Uint32Array
  readonly quotes: Uint32Array
}

/** An event and where it is to go. */
export interface NumberedRecord extends OutgoingRecord {
  readonly stream: 'trades' | 'quotes'
  readonly partition: number
}

/** Partitions of each of the two topics. */
export const topicPartitions = 4

/** Prime to any number of symbols that is used, so that all have their turn. */
const symbolStep = 37

/**
 * Makes trades and quotes in turn whose sizes are numbers: the first event of an item has 1, the next one 2.
 * So a receiver can tell what is missing, repeated or replaced. A trade's id is the time of sending in µs.
 */
export class NumberedSource {
  readonly totals: Totals
  readonly #symbols: readonly string[]
  #made = 0

  constructor(symbols: number) {
    this.#symbols = Array.from({ length: symbols }, (_, index) => symbolOf(index))
    this.totals = noTotals(symbols)
  }

  /** How many events were made. */
  get events(): number {
    return this.#made
  }

  next(us: number): NumberedRecord {
    const made = this.#made++
    const index = ((made >> 1) * symbolStep) % this.#symbols.length
    const key = this.#symbols[index] ?? ''
    const stream = made % 2 === 0 ? 'trades' : 'quotes'
    const event = { symbol: key, made, size: ++this.totals[stream][index]! }
    const value = stream === 'trades' ? tradeText(us, event) : quoteText(event)
    return { stream, partition: index % topicPartitions, key, value }
  }
}

/** The totals before the first event. */
export function noTotals(symbols: number): Totals {
  return { trades: new Uint32Array(symbols), quotes: new Uint32Array(symbols) }
}
