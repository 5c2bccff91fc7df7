import type { Floor } from './floor.ts'
import { usualCorrelation } from './instruments.ts'
import { statusEvent } from './statuses.ts'
import type { Stock } from './stock.ts'

/** Which ranks may be halted: known names whose absence does not empty the screen. */
const firstRank = 8
const lastRank = 150
/** A runaway gains about this fraction of its price a second. */
const leastDrift = 0.0008
const mostDrift = 0.0016
const lookNs = 100e6
/** The plan pauses a stock that stayed at its limit for 15 seconds. */
const limitStateNs = 15e9

/**
 * Every few minutes one Nasdaq stock runs away, reaches its price band, stays there for 15 seconds and is halted for 30
 * seconds to two minutes; a reopening auction with new bands and a rush follows.
 */
export class Halts {
  readonly #floor: Floor
  readonly #announce: (stock: Stock, ns: number) => void

  /** `announce` is told of every halt, straight after its status. */
  constructor(floor: Floor, announce: (stock: Stock, ns: number) => void) {
    this.#floor = floor
    this.#announce = announce
  }

  /** The first runaway begins within the first minute. */
  start(): void {
    const { agenda, random } = this.#floor
    agenda.at(random.between(20e9, 40e9), ns => this.#runAway(ns))
  }

  #rest(ns: number): void {
    const { agenda, random } = this.#floor
    const pauseNs = random.between(90e9, 120e9) + random.exponential() * 90e9
    agenda.at(ns + pauseNs, now => this.#runAway(now))
  }

  #runAway(ns: number): void {
    const { random } = this.#floor
    const stock = this.#choose()
    if (stock === undefined) return this.#rest(ns)
    const towardsLevel = stock.price.excess > 0 ? -1 : 1
    const direction = random.chance(0.65) ? towardsLevel : -towardsLevel
    stock.price.drift(direction * random.between(leastDrift, mostDrift))
    this.#look(stock, ns)
  }

  #choose(): Stock | undefined {
    const { random, stocks } = this.#floor
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

  #look(stock: Stock, ns: number): void {
    const { agenda, orders } = this.#floor
    orders.watch({ stock, eventsPerSecond: 40, untilNs: ns + 2 * lookNs })
    if (stock.isAtLimit(ns)) agenda.at(ns + limitStateNs, now => this.#halt(stock, now))
    else agenda.at(ns + lookNs, now => this.#look(stock, now))
  }

  #halt(stock: Stock, ns: number): void {
    const { agenda, random, timestamps, emit } = this.#floor
    stock.halt()
    stock.price.drift(0)
    emit(statusEvent('halt', stock, timestamps.text(ns)))
    this.#announce(stock, ns)
    agenda.at(ns + random.between(30e9, 120e9), now => this.#resume(stock, now))
  }

  #resume(stock: Stock, ns: number): void {
    const { orders, timestamps, emit } = this.#floor
    const t = timestamps.text(ns)
    emit(statusEvent('resumption', stock, t))
    for (const event of stock.auction('reopening', ns)) emit(event)
    emit(stock.bands.luld('E', t))
    orders.watch({ stock, eventsPerSecond: 150, untilNs: ns + 5e9 })
    this.#rest(ns)
  }
}
