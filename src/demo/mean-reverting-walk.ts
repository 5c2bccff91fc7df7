import type { Random } from './random.ts'

/** The walk returns to 0 with this time constant. */
const reversionSeconds = 4 * 3600
/** Steps longer than this are taken by the exact solution; for shorter ones its first order is as good. */
const longStepSeconds = 60
/** A drift is meant for seconds in which the walk is asked all the time: over a longer gap it counts as this. */
const mostDriftSeconds = 1

export interface WalkOptions {
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
