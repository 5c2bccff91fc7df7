import type { Instrument } from './instruments.ts'
import type { Random } from './random.ts'
import type { Luld } from '../event/event.ts'
import type { Limits } from './top-of-book.ts'

/** The annual volatility of the market as a whole. */
const marketVolatility = 0.14
const tradingDaysPerYear = 252
const tradingSecondsPerYear = tradingDaysPerYear * 6.5 * 3600
/** The additional volatility of an opening, and the time constant with which it decays. */
const openingHeat = 2
const openingNs = 90e9

/**
 * The fair price of a symbol, from which bid and ask are made: its own walk and its share of the market's.
 */
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
    // The change since yesterday, so that no two seeds open at the same prices.
    this.#own.nudge((random.normal() * ownVolatility) / Math.sqrt(tradingDaysPerYear))
  }

  /** Returns the fair price in cents, with fractions, at a time not before that of the last call. */
  at(ns: number): number {
    return this.#levelCents * Math.exp(this.#own.at(ns) + this.#beta * this.#market.at(ns))
  }

  /** How far the symbol's own walk is from its level: 0.01 is one per cent above. */
  get excess(): number {
    return this.#own.value
  }

  /** Moves the price at once by a fraction of it. */
  nudge(fraction: number): void {
    this.#own.nudge(fraction)
  }

  /** Adds a drift, as a fraction of the price a second, from now on; 0 ends it. */
  drift(perSecond: number): void {
    this.#own.drift(perSecond)
  }
}

/** Creates the walk that all symbols share. */
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

/** The time constant with which the walk returns to 0. */
const reversionSeconds = 4 * 3600
/** Longer steps use the exact solution; for shorter ones its first order is as good. */
const longStepSeconds = 60
/** A drift lasts for seconds in which the walk is read all the time; over a longer gap it counts as this. */
const mostDriftSeconds = 1

interface WalkOptions {
  readonly random: Random
  /** Standard deviation of the change in one second. */
  readonly deviationPerSecond: number
  /** Multiplies the deviation during the session: an opening is wilder than noon. */
  readonly heat: (ns: number) => number
}

/**
 * A random walk in log prices that keeps returning to 0 (an Ornstein-Uhlenbeck process). It is advanced when
 * it is read, so an idle one costs nothing.
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

  /** Returns the value at a time, which is not before that of the last call. */
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

  /** The value at the last call of `at`. */
  get value(): number {
    return this.#value
  }

  /** Moves the walk at once. */
  nudge(by: number): void {
    this.#value += by
  }

  /** Adds a drift to the walk from now on; 0 ends it. */
  drift(perSecond: number): void {
    this.#driftPerSecond = perSecond
  }
}

/** The mean age of the trades in the reference price; the rule uses the mean of five minutes. */
const averageAgeNs = 150e9
/** How far the average must be from the reference before that moves. */
const referenceStep = 0.01
/** The number of most active names that are tier 1 of the plan, as are the funds; all others are tier 2. */
const tierOneRanks = 200
/** Up to three dollars the band is a fifth of the price in either tier. */
const lowPriceCents = 300

/**
 * The limit-up limit-down bands of one symbol: 5 % (tier 1), 10 % (tier 2) or 20 % (at most $3) around a
 * reference price, the average of its recent trades, which moves in steps of at least 1 %
 * (https://www.luldplan.com).
 */
export class PriceBands {
  readonly #instrument: Instrument
  readonly #isTierOne: boolean
  #limits: Limits = { lower: 1, upper: Number.MAX_SAFE_INTEGER }
  #reference = 0
  #average = 0
  #averageNs = 0
  #isHeld = false

  constructor(instrument: Instrument, rank: number) {
    this.#instrument = instrument
    this.#isTierOne = rank < tierOneRanks || Math.abs(instrument.correlation) > 0.8
    this.restart(instrument.levelCents, 0)
  }

  get limits(): Limits {
    return this.#limits
  }

  /** Takes an auction's price as the reference. */
  restart(cents: number, ns: number): void {
    this.#average = cents
    this.#averageNs = ns
    this.#isHeld = false
    this.#setReference(cents)
  }

  /** Includes a trade in the average. */
  record(cents: number, ns: number): void {
    const weight = Math.min((ns - this.#averageNs) / averageAgeNs, 1)
    this.#average += (cents - this.#average) * weight
    this.#averageNs = ns
  }

  /** Keeps the bands until `restart`, as the plan does while a stock trades at its limit. */
  hold(): void {
    this.#isHeld = true
  }

  /** Moves the bands if the average has moved far enough. Returns whether it did. */
  update(): boolean {
    if (this.#isHeld || Math.abs(this.#average / this.#reference - 1) < referenceStep) return false
    this.#setReference(this.#average)
    return true
  }

  /**
   * Returns the bands as an event. `indicator` is UTP's: A at the opening, B during the day, E at a
   * reopening.
   */
  luld(indicator: 'A' | 'B' | 'E', t: string): Luld {
    const { symbol, tape } = this.#instrument
    const { lower, upper } = this.#limits
    return { T: 'l', S: symbol, u: upper / 100, d: lower / 100, i: indicator, t, z: tape }
  }

  #setReference(cents: number): void {
    this.#reference = cents
    const usual = this.#isTierOne ? 0.05 : 0.1
    const share = cents <= lowPriceCents ? 0.2 : usual
    this.#limits = { lower: Math.round(cents * (1 - share)), upper: Math.round(cents * (1 + share)) }
  }
}
