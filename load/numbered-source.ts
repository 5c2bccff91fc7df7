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

/** Of each of the two topics. */
export const partitions = 4

/** Prime to any number of symbols that is used, so that all have their turn. */
const symbolStep = 37

/**
 * Makes trades and quotes in turn, of some 120 bytes, whose sizes are numbers: the first event of an item has 1, the next one 2.
 * Whoever receives them can tell what is missing, what came twice and what was replaced. A trade's id is the time of sending in µs.
 */
export class NumberedSource {
  readonly totals: Totals
  readonly #symbols: readonly string[]
  #made = 0
  #lastUs = 0

  constructor(symbols: number) {
    this.#symbols = Array.from({ length: symbols }, (_, index) => symbolOf(index))
    this.totals = nothingOf(symbols)
  }

  /** How many were made. */
  get events(): number {
    return this.#made
  }

  next(us: number): NumberedRecord {
    const made = this.#made++
    const index = ((made >> 1) * symbolStep) % this.#symbols.length
    const key = this.#symbols[index] ?? ''
    const stream = made % 2 === 0 ? 'trades' : 'quotes'
    const number = ++this.totals[stream][index]!
    const value = stream === 'trades' ? this.#trade(key, { made, number, us }) : quote(key, made, number)
    return { stream, partition: index % partitions, key, value }
  }

  /** Ids differ also where events are sent together, so they grow by one at least. */
  #trade(symbol: string, { made, number, us }: Made): string {
    this.#lastUs = Math.max(us, this.#lastUs + 1)
    return `{"T":"t","S":"${symbol}","i":${this.#lastUs},"x":"V","p":${priceOf(made)},"s":${number},"t":"${timeOf(made)}","c":["@","I"],"z":"C"}`
  }
}

interface Made {
  readonly made: number
  readonly number: number
  readonly us: number
}

/** Before the first event. */
export function nothingOf(symbols: number): Totals {
  return { trades: new Uint32Array(symbols), quotes: new Uint32Array(symbols) }
}

/** Three letters. */
export function symbolOf(index: number): string {
  const letters = [Math.floor(index / 676), Math.floor(index / 26) % 26, index % 26]
  return String.fromCharCode(...letters.map(letter => 65 + letter))
}

function quote(symbol: string, made: number, number: number): string {
  const bid = priceOf(made)
  return `{"T":"q","S":"${symbol}","bx":"U","bp":${bid},"bs":${number},"ax":"Q","ap":${bid + 1},"as":4,"t":"${timeOf(made)}","c":["R"],"z":"C"}`
}

function priceOf(made: number): number {
  return (10_000 + (made % 5000)) / 100
}

/** Nine fraction digits, as the feeds have them. */
function timeOf(made: number): string {
  return `2026-01-02T14:30:00.${String(made % 1_000_000_000).padStart(9, '0')}Z`
}
