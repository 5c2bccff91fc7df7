import { Random } from '../../../test/support/random.ts'
import { generateTape, readTape } from '../../../test/support/tape.ts'
import { symbolOf, ZipfDraw } from '../../lib/generated-events.ts'
import type { MarketEvent, Quote, Trade } from '../../../src/event/event.ts'
import { type PlacedEvent, placed } from './batches.ts'

/** Events, and the part of them that a receiver wants. */
export interface Market {
  readonly name: string
  readonly events: readonly PlacedEvent[]
  readonly isWanted: (placed: PlacedEvent) => boolean
  /** The symbols of the wanted events. */
  readonly symbols: ReadonlySet<string> | '*'
}

const symbols = 500
const eventsPerSecond = 2000
const watched = 20

/** The real tape (a generated one where it is absent), a generated market, and a watch list in it. */
export async function markets(tape: string | undefined, most: number): Promise<Market[]> {
  const first = tape === undefined ? generateTape({ seed: 1, events: most }) : await firstOf(tape, most)
  const zipf = placed(zipfMarket(most))
  // Symbols are watched as they are traded: by Zipf's law.
  const list = new Set(new ZipfDraw(new Random(2), symbols).distinct(watched).map(symbolOf))
  const everything = (): boolean => true
  return [
    {
      name: tape === undefined ? 'the tests’ generated tape, everything' : 'the real tape, everything',
      events: placed(first.filter(({ T }) => T !== 'n')),
      isWanted: everything,
      symbols: '*',
    },
    { name: `${symbols} symbols, everything`, events: zipf, isWanted: everything, symbols: '*' },
    {
      name: `${symbols} symbols, a watch list of ${watched}`,
      events: zipf,
      isWanted: ({ event }) => event.T !== 'n' && list.has(event.S),
      symbols: list,
    },
  ]
}

async function firstOf(tape: string, most: number) {
  const events = await Array.fromAsync(readTape(tape))
  return events.slice(0, most)
}

const startNs = 1_709_217_000_000_000_000n
const exchanges = ['V', 'N', 'Q', 'P', 'Z', 'K', 'D', 'A']
const conditions = [['@'], ['@'], ['@', 'I'], ['@', 'F'], ['@', 'F', 'I'], ['@', 'T']]

/**
 * Three quotes for each trade, of symbols drawn by Zipf's law, with nanoseconds as Alpaca writes them; no
 * event repeats the last of its item.
 */
function zipfMarket(events: number): MarketEvent[] {
  const random = new Random(1)
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
