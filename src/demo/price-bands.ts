import type { Luld } from '../event/event.ts'
import type { Instrument } from './instruments.ts'
import type { Limits } from './top-of-book.ts'

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
