const nsPerSecond = 1e9
const secondsPerMinute = 60
const minutesPerDay = 1440

/** Nanoseconds in one minute. */
export const nsPerMinute = secondsPerMinute * nsPerSecond

/**
 * Turns the demo market's time, whole nanoseconds since its start, into RFC 3339 text and into minutes since 1970.
 * A double counts nanoseconds exactly for the first 104 days; later ones come in steps of two, then four.
 */
export class Timestamps {
  readonly #startSecond: number
  /** How far into its second and its minute the start was. */
  readonly #secondOffsetNs: number
  readonly #minuteOffsetNs: number
  #second = -1
  #prefix = ''

  /** `startMs`: milliseconds since 1970, whole. */
  constructor(startMs: number) {
    this.#startSecond = Math.floor(startMs / 1000)
    this.#secondOffsetNs = (startMs - this.#startSecond * 1000) * 1e6
    this.#minuteOffsetNs = (this.#startSecond % secondsPerMinute) * nsPerSecond + this.#secondOffsetNs
  }

  /** `2026-01-31T14:30:00.123456789Z`: nine fraction digits always. */
  text(ns: number): string {
    const since = ns + this.#secondOffsetNs
    const second = Math.floor(since / nsPerSecond)
    if (second !== this.#second) {
      this.#second = second
      this.#prefix = new Date((this.#startSecond + second) * 1000).toISOString().slice(0, 20)
    }
    return `${this.#prefix}${String(since - second * nsPerSecond).padStart(9, '0')}Z`
  }

  /** The minute since 1970 that contains the time. */
  minute(ns: number): number {
    const startMinute = Math.floor(this.#startSecond / secondsPerMinute)
    return startMinute + Math.floor((ns + this.#minuteOffsetNs) / nsPerMinute)
  }

  /** How much of its minute has passed, in nanoseconds. */
  sinceMinute(ns: number): number {
    return (ns + this.#minuteOffsetNs) % nsPerMinute
  }

  /** The next time after `ns` that is a multiple of half a minute since 1970. */
  nextHalfMinute(ns: number): number {
    const half = nsPerMinute / 2
    return ns + half - ((ns + this.#minuteOffsetNs) % half)
  }
}

/** `2026-01-31T14:30:00Z`: the start of a minute, counted since 1970. */
export function minuteText(minute: number): string {
  return `${new Date(minute * 60_000).toISOString().slice(0, 19)}Z`
}

/** The day since 1970 that a minute since 1970 belongs to, in UTC. */
export function dayOf(minute: number): number {
  return Math.floor(minute / minutesPerDay)
}

/** The start of a day since 1970 as text, to the second. */
export function dayText(day: number): string {
  return minuteText(day * minutesPerDay)
}
