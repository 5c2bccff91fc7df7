import type { Instrument } from './instruments.ts'
import { MeanRevertingWalk } from './mean-reverting-walk.ts'
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
