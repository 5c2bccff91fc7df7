import type { Random } from './random.ts'

/** Events a second in quiet times; bursts, openings and bars bring the mean to about 1,000. */
const usualRate = 860
const burstRate = 5000
/** The opening adds this many, which fade with the time constant. */
const openingRate = 3700
const openingNs = 3e9

/** How busy the demo market is: it swells and ebbs, opens with a rush, and bursts now and then. */
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

  /** Everybody trades at once until then. */
  burst(untilNs: number): void {
    this.#burstUntilNs = untilNs
  }
}
