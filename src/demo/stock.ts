import type { Quote, Trade } from '../event/event.ts'
import { BarBuilder } from './bar-builder.ts'
import type { Instrument } from './instruments.ts'
import {
  type Sale,
  type TradeConditions,
  createTradeConditions,
  drawAuctionSize,
  drawBlockSize,
  drawTradeSize,
  offExchange,
  primaryExchange,
  roundLot,
} from './market-conventions.ts'
import { type MeanRevertingWalk, PriceModel, PriceBands } from './price-model.ts'
import type { Random } from './random.ts'
import type { Timestamps } from './timestamps.ts'
import { type Side, TopOfBook } from './top-of-book.ts'

interface StockOptions {
  readonly instrument: Instrument
  /** 0 is the most active. */
  readonly rank: number
  /** Its share of the market's activity, 0 to 1. */
  readonly activity: number
  readonly market: MeanRevertingWalk
  readonly random: Random
  readonly timestamps: Timestamps
  /** Trade ids begin above this. */
  readonly firstTradeId: number
}

/** The shares of trades that are off the exchanges, and of those the shares at the midpoint and of blocks. */
const offExchangeShare = 0.42
const midpointShare = 0.3
const blockShare = 0.004
/**
 * How far a trade on an exchange moves the price, in spreads, and one that takes all of the displayed size.
 */
const tradeImpact = 0.05
const exhaustionImpact = 0.15

/** One symbol of the demo market: its price, its quote, its bands, its bars, and whether it trades. */
export class Stock {
  readonly instrument: Instrument
  readonly rank: number
  readonly activity: number
  readonly bands: PriceBands
  readonly barBuilder: BarBuilder
  readonly price: PriceModel
  readonly #book: TopOfBook
  readonly #random: Random
  readonly #timestamps: Timestamps
  readonly #conditions: TradeConditions
  #phase: 'waiting' | 'trading' | 'halted' = 'waiting'
  #tradeId: number
  #side: Side = 'buy'
  /** Whether a trade took all of one side's displayed size, so that the next event is a quote. */
  #isExhausted = false

  constructor(options: StockOptions) {
    const { instrument, rank, random } = options
    this.instrument = instrument
    this.rank = rank
    this.activity = options.activity
    this.bands = new PriceBands(instrument, rank)
    this.barBuilder = new BarBuilder(instrument.symbol)
    this.price = new PriceModel(instrument, options.market, random)
    this.#book = new TopOfBook(instrument, rank, random)
    this.#random = random
    this.#timestamps = options.timestamps
    this.#conditions = createTradeConditions(instrument.tape)
    this.#tradeId = options.firstTradeId
  }

  get isTrading(): boolean {
    return this.#phase === 'trading'
  }

  /** Stops trades and quotes until the next auction. */
  halt(): void {
    this.#phase = 'halted'
  }

  /** Starts or resumes trading with a quote, an auction trade and the bands around it. */
  auction(kind: 'opening' | 'reopening', ns: number): readonly [Quote, Trade] {
    this.#phase = 'trading'
    const fairCents = this.price.at(ns)
    this.bands.restart(fairCents, ns)
    this.#book.move(fairCents, this.bands.limits)
    const t = this.#timestamps.text(ns)
    const cents = this.#random.chance(0.5) ? this.#book.bid : this.#book.ask
    const size = drawAuctionSize(this.#random, this.activity)
    const exchange = primaryExchange(this.instrument.tape)
    const quote = this.#book.quote(t)
    return [quote, this.#print({ cents, size, exchange, sale: kind }, ns)]
  }

  /** Returns the price now, within the bands, in cents. */
  fairCents(ns: number): number {
    const { lower, upper } = this.bands.limits
    return Math.min(Math.max(this.price.at(ns), lower), upper)
  }

  /** Whether the price has reached the bands, so that trading can only continue at their edge. */
  isAtLimit(ns: number): boolean {
    const { lower, upper } = this.bands.limits
    const fairCents = this.price.at(ns)
    return fairCents <= lower || fairCents >= upper
  }

  /** Whether nobody would trade at the last quote any more, so that a new quote has to come first. */
  isQuoteStale(ns: number): boolean {
    const fairCents = this.fairCents(ns)
    return this.#isExhausted || fairCents < this.#book.bid || fairCents > this.#book.ask
  }

  /** Returns the next quote: it follows the price, or only its sizes change. */
  quote(ns: number): Quote {
    const fairCents = this.fairCents(ns)
    if (this.#isExhausted || !this.#book.contains(fairCents) || this.#random.chance(0.2)) {
      this.#book.move(fairCents, this.bands.limits)
    } else {
      this.#book.resize()
    }
    this.#isExhausted = false
    return this.#book.quote(this.#timestamps.text(ns))
  }

  /**
   * Returns the next trade, at the last quote or within it. `isSweep`: one of several trades of one order.
   */
  trade(ns: number, isSweep: boolean): Trade {
    this.#side = this.#drawSide(this.fairCents(ns))
    if (!isSweep && this.#random.chance(offExchangeShare)) return this.#tradeOffExchange(ns)
    const side = this.#side
    const cents = this.#touchPrice()
    const size = drawTradeSize(this.#random, cents)
    this.#isExhausted = this.#book.takeShares(side, size)
    const spread = (this.#book.ask - this.#book.bid) / cents
    const impact = spread * (this.#isExhausted ? exhaustionImpact : tradeImpact)
    this.price.nudge(side === 'buy' ? impact : -impact)
    return this.#print({ cents, size, exchange: this.#book.exchange(side), sale: saleOf(size, isSweep) }, ns)
  }

  /** Returns a new trade id. */
  nextTradeId(): number {
    this.#tradeId += 1 + this.#random.below(3)
    return this.#tradeId
  }

  conditions(sale: Sale): readonly string[] {
    return this.#conditions[sale]
  }

  #tradeOffExchange(ns: number): Trade {
    const isBlock = this.#random.chance(blockShare)
    const middle = this.#book.middle
    const isMidpoint = Number.isInteger(middle) && this.#random.chance(midpointShare)
    const cents = isMidpoint ? middle : this.#touchPrice()
    const size = isBlock ? drawBlockSize(this.#random, cents) : drawTradeSize(this.#random, cents)
    return this.#print({ cents, size, exchange: offExchange, sale: saleOf(size, false) }, ns)
  }

  /** Draws the side of a trade: trades come in runs of one side, and follow the price. */
  #drawSide(fairCents: number): Side {
    const spread = this.#book.ask - this.#book.bid
    const pressure = Math.min(Math.max((fairCents - this.#book.middle) / spread, -0.5), 0.5)
    const habit = this.#side === 'buy' ? 0.15 : -0.15
    return this.#random.chance(0.5 + habit + 0.6 * pressure) ? 'buy' : 'sell'
  }

  #touchPrice(): number {
    return this.#side === 'buy' ? this.#book.ask : this.#book.bid
  }

  #print(sold: Sold, ns: number): Trade {
    const trade: Trade = {
      T: 't',
      S: this.instrument.symbol,
      i: this.nextTradeId(),
      x: sold.exchange,
      p: sold.cents / 100,
      s: sold.size,
      c: this.#conditions[sold.sale],
      t: this.#timestamps.text(ns),
      z: this.instrument.tape,
    }
    this.barBuilder.record({ ns, cents: sold.cents, trade }, this.#timestamps.minute(ns))
    this.bands.record(sold.cents, ns)
    return trade
  }
}

interface Sold {
  readonly cents: number
  readonly size: number
  readonly exchange: string
  readonly sale: Sale
}

function saleOf(size: number, isSweep: boolean): Sale {
  if (size < roundLot) return isSweep ? 'odd lot sweep' : 'odd lot'
  return isSweep ? 'sweep' : 'regular'
}
