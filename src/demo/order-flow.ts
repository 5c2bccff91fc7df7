import type { MarketEvent } from '../event/event.ts'
import type { Random, WeightedChoice } from './random.ts'
import type { Stock } from './stock.ts'

/** Events a second in quiet times; bursts, openings and bars raise the mean to about 1,000. */
const usualRate = 860
const burstRate = 5000
/** The opening adds this rate, which decays with the time constant. */
const openingRate = 3700
const openingNs = 3e9

/**
 * How busy the demo market is: the rate of events varies slowly, is high at the opening, and bursts now and
 * then.
 */
export class Activity {
  readonly #phases: readonly [number, number]
  #burstUntilNs = 0

  constructor(random: Random) {
    this.#phases = [random.between(0, 2 * Math.PI), random.between(0, 2 * Math.PI)]
  }

  /** Events a second at this time. */
  rate(ns: number): number {
    if (ns < this.#burstUntilNs) return burstRate
    const seconds = ns / 1e9
    const [first, second] = this.#phases
    const swell = 1 + 0.18 * Math.sin(seconds / 15 + first) + 0.1 * Math.sin(seconds / 3.7 + second)
    const opening = ns < 10 * openingNs ? openingRate * Math.exp(-ns / openingNs) : 0
    return usualRate * swell + opening
  }

  /** Raises the rate to that of a burst until a time. */
  burst(untilNs: number): void {
    this.#burstUntilNs = untilNs
  }
}

/** The share of flurries that begin with a trade rather than with a quote. */
const tradeShare = 0.23
/** How often a flurry continues after an event. */
const tradeFollows = 0.6
const quoteFollows = 0.22
/** How often a quote follows within a flurry of trades. */
const quoteAmongTrades = 0.42
/** The mean number of events in a flurry, by which flurries are rarer than events. */
const flurryEvents = tradeShare / (1 - tradeFollows) + (1 - tradeShare) / (1 - quoteFollows)
/** The shortest gap between events of a flurry, and the mean of the rest of a gap. */
const leastGapNs = 1_500
const meanGapNs = 60_000

interface OrderFlowOptions {
  readonly random: Random
  readonly activity: Activity
  readonly chooser: WeightedChoice<Stock>
  readonly emit: (event: MarketEvent) => void
}

/**
 * The trades and quotes of all stocks as one stream of flurries: an order causes several trades and moves the
 * quote, or a market maker's change is followed by others, all within a millisecond. Flurries come at random
 * times.
 */
export class OrderFlow {
  readonly #random: Random
  readonly #activity: Activity
  readonly #chooser: WeightedChoice<Stock>
  readonly #emit: (event: MarketEvent) => void
  #dueNs = 0
  /** The stock of the current flurry; `undefined`: the next event begins one. */
  #stock: Stock | undefined
  #beganNs = 0
  #isTrading = false
  #trades = 0
  #rateBoost: RateBoost | undefined

  constructor(options: OrderFlowOptions) {
    this.#random = options.random
    this.#activity = options.activity
    this.#chooser = options.chooser
    this.#emit = options.emit
  }

  /** When the next event is due, in whole nanoseconds. */
  get dueNs(): number {
    return this.#dueNs
  }

  /** Emits one event, or none where a stock was drawn that does not trade. */
  step(ns: number): void {
    const stock = this.#stock ?? this.#begin(ns)
    if (!stock.isTrading) {
      this.scheduleNext(ns)
      return
    }
    const isFollowed = this.#random.chance(this.#isTrading ? tradeFollows : quoteFollows)
    const isTrade = this.#isTrading && !(this.#trades > 0 && this.#random.chance(quoteAmongTrades))
    if (!isTrade || stock.isQuoteStale(ns)) {
      this.#emit(stock.quote(ns))
    } else {
      this.#emit(stock.trade(ns, this.#trades > 0))
      this.#trades++
    }
    if (isFollowed) this.#dueNs = ns + leastGapNs + Math.floor(this.#random.exponential() * meanGapNs)
    else this.scheduleNext(ns)
  }

  /** Ends the flurry and schedules the next one, at a random time from the beginning of this one. */
  scheduleNext(ns: number): void {
    const beganNs = this.#stock === undefined ? ns : this.#beganNs
    this.#stock = undefined
    const eventsPerSecond = this.#activity.rate(ns) + this.#boostRate(ns)
    const waitNs = (this.#random.exponential() * 1e9 * flurryEvents) / eventsPerSecond
    this.#dueNs = Math.max(ns + leastGapNs, beganNs + Math.floor(waitNs))
  }

  /** Gives one stock additional events until a time. */
  boost(rateBoost: RateBoost): void {
    this.#rateBoost = rateBoost
  }

  #begin(ns: number): Stock {
    const extra = this.#boostRate(ns)
    const isWatched = extra > 0 && this.#random.unit() * (extra + this.#activity.rate(ns)) < extra
    const watched = isWatched ? this.#rateBoost?.stock : undefined
    this.#stock = watched ?? this.#chooser.draw(this.#random)
    this.#isTrading = this.#random.chance(tradeShare)
    this.#trades = 0
    this.#beganNs = ns
    return this.#stock
  }

  #boostRate(ns: number): number {
    return this.#rateBoost !== undefined && ns < this.#rateBoost.untilNs ? this.#rateBoost.eventsPerSecond : 0
  }
}

interface RateBoost {
  readonly stock: Stock
  readonly eventsPerSecond: number
  readonly untilNs: number
}
