import type { Instrument } from './instruments.ts'
import type { Random } from './random.ts'

/** The annual deviation of the market as a whole, which the funds on it share. */
const marketVolatility = 0.14
const tradingDaysPerYear = 252
const tradingSecondsPerYear = tradingDaysPerYear * 6.5 * 3600
/** An opening is three times as volatile as the hours after it, and calms down with this time constant. */
const openingHeat = 2
const openingNs = 90e9

/** The price that a symbol is worth, before bid and ask: its own walk and its share of the market's. */
export class PriceModel {
  readonly #levelCents: number
  readonly #beta: number
  readonly #market: MeanRevertingWalk
  readonly #own: MeanRevertingWalk

  constructor(instrument: Instrument, market: MeanRevertingWalk, random: Random) {
    const { levelCents, volatility, correlation } = instrument
    this.#levelCents = levelCents
    this.#beta = (correlation * volatility) / marketVolatility
    this.#market = market
    const ownVolatility = volatility * Math.sqrt(1 - correlation * correlation)
    this.#own = createWalk(ownVolatility, random)
    // What happened since yesterday: no two seeds open at the same prices.
    this.#own.nudge((random.normal() * ownVolatility) / Math.sqrt(tradingDaysPerYear))
  }

  /** The worth in cents, with fractions, at a time not before the last one asked for. */
  at(ns: number): number {
    return this.#levelCents * Math.exp(this.#own.at(ns) + this.#beta * this.#market.at(ns))
  }

  /** How far it is from its level by what moves it alone: 0.01 is one per cent above. */
  get excess(): number {
    return this.#own.value
  }

  /** Moves the worth at once by a fraction of it. */
  nudge(fraction: number): void {
    this.#own.nudge(fraction)
  }

  /** Pushes the worth by a fraction of it per second from now on; 0 ends it. */
  drift(perSecond: number): void {
    this.#own.drift(perSecond)
  }
}

/** The walk that all symbols share in. */
export function createMarketWalk(random: Random): MeanRevertingWalk {
  return createWalk(marketVolatility, random)
}

function createWalk(annualDeviation: number, random: Random): MeanRevertingWalk {
  const deviationPerSecond = annualDeviation / Math.sqrt(tradingSecondsPerYear)
  return new MeanRevertingWalk({ random, deviationPerSecond, heat: heatAt })
}

function heatAt(ns: number): number {
  return ns > 8 * openingNs ? 1 : 1 + openingHeat * Math.exp(-ns / openingNs)
}

/** The walk returns to 0 with this time constant. */
const reversionSeconds = 4 * 3600
/** Steps longer than this are taken by the exact solution; for shorter ones its first order is as good. */
const longStepSeconds = 60
/** A drift is meant for seconds in which the walk is asked all the time: over a longer gap it counts as this. */
const mostDriftSeconds = 1

interface WalkOptions {
  readonly random: Random
  /** Deviation of what is gained in one second. */
  readonly deviationPerSecond: number
  /** Multiplies the deviation as the session goes on: an opening is wilder than noon. */
  readonly heat: (ns: number) => number
}

/**
 * A random walk in log prices that keeps returning to 0 (an Ornstein-Uhlenbeck process). It is advanced when it is
 * asked, so that an idle one costs nothing.
 */
export class MeanRevertingWalk {
  readonly #random: Random
  readonly #deviation: number
  readonly #heat: (ns: number) => number
  #ns = 0
  #value = 0
  #driftPerSecond = 0

  constructor(options: WalkOptions) {
    this.#random = options.random
    this.#deviation = options.deviationPerSecond
    this.#heat = options.heat
  }

  /** Where the walk is at a time not before the last one asked for. */
  at(ns: number): number {
    const seconds = (ns - this.#ns) / 1e9
    if (seconds <= 0) return this.#value
    this.#ns = ns
    const rate = seconds / reversionSeconds
    const isLong = seconds > longStepSeconds
    const kept = isLong ? Math.exp(-rate) : 1 - rate
    const variance = isLong ? ((1 - kept * kept) / 2) * reversionSeconds : seconds
    const noise = this.#deviation * this.#heat(ns) * Math.sqrt(variance) * this.#random.normal()
    const drift = this.#driftPerSecond * Math.min(seconds, mostDriftSeconds)
    this.#value = this.#value * kept + noise + drift
    return this.#value
  }

  /** Where the walk was when it was last asked. */
  get value(): number {
    return this.#value
  }

  /** Moves the walk at once. */
  nudge(by: number): void {
    this.#value += by
  }

  /** Pushes the walk from now on, on top of its chance; 0 ends it. */
  drift(perSecond: number): void {
    this.#driftPerSecond = perSecond
  }
}
