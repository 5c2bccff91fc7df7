import type { MarketContext } from './market-context.ts'
import { usualCorrelation } from './instruments.ts'
import { statusEvent } from './session-schedule.ts'
import type { Stock } from './stock.ts'

/** The ranks that may be halted: known names whose absence does not empty the screen. */
const firstRank = 8
const lastRank = 150
/** The drift of a runaway stock, as a fraction of its price a second. */
const leastDrift = 0.0008
const mostDrift = 0.0016
/** How much the drift varies from look to look, relative to itself, so that there are setbacks on the way. */
const driftDeviation = 3
const checkIntervalNs = 100e6
/** Additional events a second of a runaway, and of a reopening for some seconds. */
const runawayRate = 40
const reopeningRate = 150
const reopeningNs = 5e9
/** The LULD plan pauses a stock that has stayed at its limit for 15 seconds. */
const limitStateNs = 15e9

interface Runaway {
  readonly stock: Stock
  readonly drift: number
}

/**
 * Simulates halts: every few minutes one Nasdaq stock runs away, reaches its price band, stays there for 15
 * seconds and is halted for 30 seconds to two minutes. A reopening auction with new bands and a rush follows.
 */
export class Halts {
  readonly #context: MarketContext
  readonly #announce: (stock: Stock, ns: number) => void

  /** `announce` is called for every halt, directly after its status. */
  constructor(context: MarketContext, announce: (stock: Stock, ns: number) => void) {
    this.#context = context
    this.#announce = announce
  }

  /** Starts; the first runaway begins within the first minute. */
  start(): void {
    const { scheduler, random } = this.#context
    scheduler.at(random.between(20e9, 40e9), ns => this.#runAway(ns))
  }

  #rest(ns: number): void {
    const { scheduler, random } = this.#context
    const pauseNs = random.between(90e9, 120e9) + random.exponential() * 90e9
    scheduler.at(ns + pauseNs, now => this.#runAway(now))
  }

  #runAway(ns: number): void {
    const { random } = this.#context
    const stock = this.#choose()
    if (stock === undefined) return this.#rest(ns)
    const towardsLevel = stock.price.excess > 0 ? -1 : 1
    const direction = random.chance(0.65) ? towardsLevel : -towardsLevel
    this.#look({ stock, drift: direction * random.between(leastDrift, mostDrift) }, ns)
  }

  #choose(): Stock | undefined {
    const { random, stocks } = this.#context
    const candidates = stocks.filter(
      ({ instrument, rank }) =>
        rank >= firstRank &&
        rank <= lastRank &&
        instrument.tape === 'C' &&
        instrument.correlation === usualCorrelation &&
        instrument.levelCents >= 500,
    )
    return candidates[random.below(candidates.length)]
  }

  #look(runaway: Runaway, ns: number): void {
    const { scheduler, orders, random } = this.#context
    const { stock, drift } = runaway
    if (!stock.isAtLimit(ns)) {
      stock.price.drift(drift * (1 + driftDeviation * random.normal()))
      orders.boost({ stock, eventsPerSecond: runawayRate, untilNs: ns + 2 * checkIntervalNs })
      scheduler.at(ns + checkIntervalNs, now => this.#look(runaway, now))
      return
    }
    stock.price.drift(drift)
    stock.bands.hold()
    orders.boost({ stock, eventsPerSecond: runawayRate, untilNs: ns + limitStateNs })
    scheduler.at(ns + limitStateNs, now => this.#halt(stock, now))
  }

  #halt(stock: Stock, ns: number): void {
    const { scheduler, random, timestamps, emit } = this.#context
    stock.halt()
    stock.price.drift(0)
    emit(statusEvent('halt', stock, timestamps.text(ns)))
    this.#announce(stock, ns)
    scheduler.at(ns + random.between(30e9, 120e9), now => this.#resume(stock, now))
  }

  #resume(stock: Stock, ns: number): void {
    const { orders, timestamps, emit } = this.#context
    const t = timestamps.text(ns)
    emit(statusEvent('resumption', stock, t))
    for (const event of stock.auction('reopening', ns)) emit(event)
    emit(stock.bands.luld('E', t))
    orders.boost({ stock, eventsPerSecond: reopeningRate, untilNs: ns + reopeningNs })
    this.#rest(ns)
  }
}
