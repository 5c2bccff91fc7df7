import { isLeapSecond } from '../../event/time.ts'

/**
 * The style of times with up to nanoseconds, without zeros at the end. Lower styles are numbers of fraction
 * digits.
 */
export const trimmedStyle = 10
/** One second after 9999-12-31T23:59:59Z. */
export const endOfSeconds = 253_402_300_800

const zero = 0x30
const capitalZ = 0x5a
/** The length of `2026-01-31T14:30:`. */
const minuteLength = 17
/** The length of `2026-01-31T14:30:00Z`. */
const shortestLength = 20
const fractionAt = 20
const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
const twoDigits = Array.from({ length: 60 }, (_, second) => String(second).padStart(2, '0'))

/** 10 to the power of a whole number from 0 to 15. */
export function powerOfTen(exponent: number): number {
  return powersOfTen[exponent] ?? Number.NaN
}

/** The units of a style's fractions in a second. */
export function unitsPerSecond(style: number): number {
  return powerOfTen(style === trimmedStyle ? 9 : style)
}

/**
 * Parses RFC 3339 times. The result of the last one is in `seconds`, `digits` and `fraction`, so that a time
 * allocates nothing.
 */
export class TimeParser {
  /** Since 1970. */
  seconds = 0
  /** The number of fraction digits. */
  digits = 0
  /** The fraction digits as a number. */
  fraction = 0
  #minute = ''
  #minuteSeconds = 0

  /** Parses a valid time. Returns false if it is not in UTC (`Z`), before 1970, or in a leap second. */
  parse(text: string): boolean {
    const end = text.length - 1
    if (end + 1 < shortestLength || text.charCodeAt(end) !== capitalZ || isLeapSecond(text)) return false
    if (this.#minute === '' || !text.startsWith(this.#minute)) this.#parseMinute(text)
    this.seconds = this.#minuteSeconds + (text.charCodeAt(17) - zero) * 10 + text.charCodeAt(18) - zero
    let fraction = 0
    for (let at = fractionAt; at < end; at++) fraction = fraction * 10 + text.charCodeAt(at) - zero
    this.fraction = fraction
    this.digits = Math.max(0, end - fractionAt)
    return this.seconds >= 0
  }

  #parseMinute(text: string): void {
    this.#minute = text.slice(0, minuteLength)
    this.#minuteSeconds = Date.parse(`${this.#minute}00Z`) / 1000
  }
}

/** Formats RFC 3339 times. */
export class TimeFormatter {
  #minute = -1
  #minuteText = ''

  format(seconds: number, fraction: number, style: number): string {
    const minute = Math.floor(seconds / 60)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#minuteText = new Date(minute * 60_000).toISOString().slice(0, minuteLength)
    }
    return `${this.#minuteText}${twoDigits[seconds - minute * 60] ?? ''}${fractionText(fraction, style)}Z`
  }
}

function fractionText(fraction: number, style: number): string {
  if (style !== trimmedStyle) return style === 0 ? '' : `.${String(fraction).padStart(style, '0')}`
  if (fraction === 0) return ''
  const digits = `.${String(fraction).padStart(9, '0')}`
  return fraction % 10 === 0 ? digits.replace(/0+$/, '') : digits
}
