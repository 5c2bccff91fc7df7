import type { MarketEvent, Quote, Trade } from '../../src/event/event.ts'
import { Random } from '../../test/support/random.ts'

export interface ZipfOptions {
  readonly seed: number
  readonly symbols: number
  readonly events: number
  readonly eventsPerSecond: number
}

const startNs = 1_709_217_000_000_000_000n
const exchanges = ['V', 'N', 'Q', 'P', 'Z', 'K', 'D', 'A']
const conditions = [['@'], ['@'], ['@', 'I'], ['@', 'F'], ['@', 'F', 'I'], ['@', 'T']]

/** The number of a symbol: the n-th comes up in proportion to 1/n. */
export class ZipfDraw {
  readonly #random: Random
  readonly #sums: number[] = []

  constructor(random: Random, count: number) {
    this.#random = random
    let sum = 0
    for (let rank = 1; rank <= count; rank++) this.#sums.push((sum += 1 / rank))
  }

  next(): number {
    const drawn = this.#random.next() * (this.#sums.at(-1) ?? 0)
    return Math.max(
      0,
      this.#sums.findIndex(sum => sum > drawn),
    )
  }
}

/** The name of a symbol by its number. */
export function symbolOf(index: number): string {
  const letter = (place: number): string => String.fromCharCode(65 + (place % 26))
  return letter(index) + letter(Math.floor(index / 26)) + letter(index + Math.floor(index / 26))
}

/** Three quotes for each trade, of symbols drawn by Zipf's law, with nanoseconds as Alpaca writes them; no event repeats the last of its item. */
export function zipfMarket({ seed, symbols, events, eventsPerSecond }: ZipfOptions): MarketEvent[] {
  const random = new Random(seed)
  const draw = new ZipfDraw(random, symbols)
  const stocks = Array.from({ length: symbols }, (_, index) => new Stock(symbolOf(index), random))
  let ns = startNs
  return Array.from({ length: events }, () => {
    ns += BigInt(1 + Math.floor((-Math.log(1 - random.next()) * 1e9) / eventsPerSecond))
    const stock = stocks[draw.next()]!
    return random.chance(0.25) ? stock.trade(timeOf(ns)) : stock.quote(timeOf(ns))
  })
}

function timeOf(ns: bigint): string {
  const second = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return fraction === '' ? `${second}Z` : `${second}.${fraction}Z`
}

/** One stock: its price walks, its ids count up. */
class Stock {
  readonly #random: Random
  #cents: number
  #id: number
  #quote: Quote

  constructor(symbol: string, random: Random) {
    this.#random = random
    this.#cents = random.whole(500, 60_000)
    this.#id = 2 ** 45 + random.whole(0, 2 ** 32)
    this.#quote = { T: 'q', S: symbol, bx: 'Q', bp: 0, bs: 1, ax: 'N', ap: 0, as: 1, c: ['R'], t: '', z: 'C' }
  }

  trade(t: string): Trade {
    const random = this.#random
    this.#id += random.whole(1, 40)
    return {
      T: 't',
      S: this.#quote.S,
      i: this.#id,
      x: random.pick(exchanges),
      p: random.chance(0.1) ? (this.#cents * 2 + 1) / 200 : this.#cents / 100,
      s: random.chance(0.5) ? 100 * random.whole(1, 10) : random.whole(1, 250),
      c: random.pick(conditions),
      t,
      z: 'C',
    }
  }

  /** One side changes, or both. */
  quote(t: string): Quote {
    const random = this.#random
    const sides = random.whole(1, 6)
    if (random.chance(0.3)) this.#cents += random.whole(-2, 2)
    const bid = { bx: random.pick(exchanges), bp: (this.#cents - 1) / 100, bs: random.whole(1, 30) }
    const ask = {
      ax: random.pick(exchanges),
      ap: (this.#cents + random.whole(1, 3)) / 100,
      as: random.whole(1, 30),
    }
    this.#quote = {
      ...this.#quote,
      ...(sides < 5 ? {} : { ...bid, ...ask }),
      ...(sides % 2 === 0 ? bid : ask),
      t,
    }
    return this.#quote
  }
}
