import type { Quote } from '../event/event.ts'
import type { Instrument } from './instruments.ts'
import { createQuoteExchanges, roundLot } from './market-conventions.ts'
import type { Random, WeightedChoice } from './random.ts'

export type Side = 'buy' | 'sell'

/** The prices between which a symbol may be quoted and traded, both included, in cents. */
export interface Limits {
  readonly lower: number
  readonly upper: number
}

/** Every quote of the demo market is a regular one. */
const conditions = ['R'] as const

/** The price above which symbols are quoted in steps of five cents, as expensive ones mostly are. */
const coarseAboveCents = 100_000

/**
 * The best bid and offer of one symbol, in whole cents and round lots. The bid is always below the ask, and
 * both are multiples of the symbol's tick.
 */
export class TopOfBook {
  readonly #instrument: Instrument
  readonly #random: Random
  readonly #exchanges: WeightedChoice<string>
  readonly #tick: number
  /** The usual spread as a fraction of the price. */
  readonly #spread: number
  /** The usual displayed size in lots. */
  readonly #depth: number
  #bid = 0
  #ask = 0
  #bidLots = 1
  #askLots = 1
  #bidExchange = ''
  #askExchange = ''

  constructor(instrument: Instrument, rank: number, random: Random) {
    const { levelCents, volatility, correlation } = instrument
    this.#instrument = instrument
    this.#random = random
    this.#exchanges = createQuoteExchanges(instrument.tape)
    this.#tick = levelCents > coarseAboveCents ? 5 : 1
    // Half a basis point for the most active, 10 for the last; less for funds, more for volatile names.
    const fund = Math.abs(correlation) > 0.8 ? 0.4 : 1
    this.#spread = 0.5e-4 * (1 + rank / 10) ** 0.9 * Math.sqrt(volatility / 0.3) * fund
    this.#depth = Math.min(Math.max((60_000 / levelCents) * (1 + 4 / (1 + rank / 20)), 1), 90)
  }

  get bid(): number {
    return this.#bid
  }

  get ask(): number {
    return this.#ask
  }

  get middle(): number {
    return (this.#bid + this.#ask) / 2
  }

  /** Whether a price is well between bid and ask, so that the quote need not move. */
  contains(cents: number): boolean {
    return Math.abs(cents - this.middle) < (this.#ask - this.#bid) * 0.6
  }

  /** Moves bid and ask around a price, within the limits, with new sizes. */
  move(cents: number, limits: Limits): void {
    const tick = this.#tick
    const wanted = (cents * this.#spread * this.#random.between(0.7, 1.5)) / tick
    const spread = Math.max(Math.round(wanted), 1) * tick
    const highest = Math.floor(limits.upper / tick) * tick
    const lowest = Math.ceil(limits.lower / tick) * tick
    const bid = Math.round((cents - spread / 2) / tick) * tick
    const ask = Math.min(Math.max(bid + spread, lowest + tick), highest)
    this.#changeBid(Math.max(Math.min(bid, ask - tick), lowest))
    this.#changeAsk(ask)
  }

  /** Changes one side's size, as orders are added and cancelled, and now and then its exchange. */
  resize(): void {
    if (this.#random.chance(0.5)) this.#changeBid(this.#bid)
    else this.#changeAsk(this.#ask)
  }

  /**
   * Takes shares from one side's displayed size. Returns whether it was used up, so that the quote has to
   * move.
   */
  takeShares(side: Side, shares: number): boolean {
    const lots = side === 'buy' ? this.#askLots : this.#bidLots
    const left = lots - Math.ceil(shares / roundLot)
    if (side === 'buy') this.#askLots = Math.max(left, 1)
    else this.#bidLots = Math.max(left, 1)
    return left <= 0
  }

  /** Returns the exchange at which a buyer or a seller trades. */
  exchange(side: Side): string {
    return side === 'buy' ? this.#askExchange : this.#bidExchange
  }

  /** Returns the quote as an event. */
  quote(t: string): Quote {
    return {
      T: 'q',
      S: this.#instrument.symbol,
      bx: this.#bidExchange,
      bp: this.#bid / 100,
      bs: this.#bidLots,
      ax: this.#askExchange,
      ap: this.#ask / 100,
      as: this.#askLots,
      c: conditions,
      t,
      z: this.#instrument.tape,
    }
  }

  #changeBid(cents: number): void {
    if (cents !== this.#bid || this.#random.chance(0.3))
      this.#bidExchange = this.#exchanges.draw(this.#random)
    this.#bid = cents
    this.#bidLots = this.#drawLots()
  }

  #changeAsk(cents: number): void {
    if (cents !== this.#ask || this.#random.chance(0.3))
      this.#askExchange = this.#exchanges.draw(this.#random)
    this.#ask = cents
    this.#askLots = this.#drawLots()
  }

  #drawLots(): number {
    return Math.max(1, Math.round(this.#depth * this.#random.between(0.3, 1.2) * this.#random.exponential()))
  }
}
