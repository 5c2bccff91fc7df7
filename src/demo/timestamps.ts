const nsPerSecond = 1e9
const secondsPerMinute = 60
const minutesPerDay = 1440

/** Nanoseconds in one minute. */
export const nsPerMinute = secondsPerMinute * nsPerSecond

/**
 * Converts the demo market's time, whole nanoseconds since its start, to RFC 3339 text and to minutes since
 * 1970. A double counts nanoseconds exactly for the first 104 days; later ones come in steps of two, then
 * four.
 */
export class Timestamps {
  readonly #startSecond: number
  /** The start's offset within its second and its minute. */
  readonly #secondOffsetNs: number
  readonly #minuteOffsetNs: number
  #second = -1
  #prefix = ''

  /** `startMs` is in whole milliseconds since 1970. */
  constructor(startMs: number) {
    this.#startSecond = Math.floor(startMs / 1000)
    this.#secondOffsetNs = (startMs - this.#startSecond * 1000) * 1e6
    this.#minuteOffsetNs = (this.#startSecond % secondsPerMinute) * nsPerSecond + this.#secondOffsetNs
  }

  /** Returns a time as `2026-01-31T14:30:00.123456789Z`, always with nine fraction digits. */
  text(ns: number): string {
    const since = ns + this.#secondOffsetNs
    const second = Math.floor(since / nsPerSecond)
    if (second !== this.#second) {
      this.#second = second
      this.#prefix = new Date((this.#startSecond + second) * 1000).toISOString().slice(0, 20)
    }
    return `${this.#prefix}${String(since - second * nsPerSecond).padStart(9, '0')}Z`
  }

  /** Returns the minute since 1970 that contains a time. */
  minute(ns: number): number {
    const startMinute = Math.floor(this.#startSecond / secondsPerMinute)
    return startMinute + Math.floor((ns + this.#minuteOffsetNs) / nsPerMinute)
  }

  /** Returns how much of its minute has passed, in nanoseconds. */
  sinceMinute(ns: number): number {
    return (ns + this.#minuteOffsetNs) % nsPerMinute
  }

  /** Returns the next time after `ns` that is a multiple of half a minute since 1970. */
  nextHalfMinute(ns: number): number {
    const half = nsPerMinute / 2
    return ns + half - ((ns + this.#minuteOffsetNs) % half)
  }
}

/** Returns the start of a minute since 1970 as `2026-01-31T14:30:00Z`. */
export function minuteText(minute: number): string {
  return `${new Date(minute * 60_000).toISOString().slice(0, 19)}Z`
}

/** Returns the day since 1970, in UTC, of a minute since 1970. */
export function dayOf(minute: number): number {
  return Math.floor(minute / minutesPerDay)
}

/** Returns the start of a day since 1970 as text, to the second. */
export function dayText(day: number): string {
  return minuteText(day * minutesPerDay)
}
