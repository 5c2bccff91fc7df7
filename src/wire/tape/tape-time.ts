import { isLeapSecond } from '../../event/time.ts'

/** Fraction digits of the style that has nanoseconds without the zeros at their end. */
export const trimmedStyle = 10
/** One second after 9999-12-31T23:59:59Z. */
export const endOfSeconds = 253_402_300_800

const zero = 0x30
const capitalZ = 0x5a
/** `2026-01-31T14:30:`, and with the seconds and `Z`. */
const minuteLength = 17
const shortestLength = 20
const fractionAt = 20
const powersOfTen = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
const twoDigits = Array.from({ length: 60 }, (_, second) => String(second).padStart(2, '0'))

/** 10 to the power of a whole number from 0 to 15. */
export function powerOfTen(exponent: number): number {
  return powersOfTen[exponent] ?? Number.NaN
}

/** The fractions of a second that a style counts in. */
export function unitsPerSecond(style: number): number {
  return powerOfTen(style === trimmedStyle ? 9 : style)
}

/** Takes RFC 3339 times apart. One text after another: what the last one said is read at `seconds`, `digits`, `fraction`. */
export class TimeParser {
  /** Since 1970. */
  seconds = 0
  /** How many fraction digits there are. */
  digits = 0
  /** They, as a number. */
  fraction = 0
  #minute = ''
  #minuteSeconds = 0

  /** Reads a valid time; false if it is not in UTC (`Z`), before 1970, or in a leap second. */
  parse(text: string): boolean {
    const end = text.length - 1
    if (end + 1 < shortestLength || text.charCodeAt(end) !== capitalZ || isLeapSecond(text)) return false
    if (this.#minute === '' || !text.startsWith(this.#minute)) this.#readMinute(text)
    this.seconds = this.#minuteSeconds + (text.charCodeAt(17) - zero) * 10 + text.charCodeAt(18) - zero
    let fraction = 0
    for (let at = fractionAt; at < end; at++) fraction = fraction * 10 + text.charCodeAt(at) - zero
    this.fraction = fraction
    this.digits = Math.max(0, end - fractionAt)
    return this.seconds >= 0
  }

  #readMinute(text: string): void {
    this.#minute = text.slice(0, minuteLength)
    this.#minuteSeconds = Date.parse(`${this.#minute}00Z`) / 1000
  }
}

/** Puts RFC 3339 times together. */
export class TimeWriter {
  #minute = -1
  #minuteText = ''

  text(seconds: number, fraction: number, style: number): string {
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
