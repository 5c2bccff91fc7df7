import type { Random } from './random.ts'

const nanosPerSecond = 1_000_000_000
/** How many fraction digits a time is written with; nine as a rule, as Alpaca does. */
const digits = [9, 9, 9, 9, 9, 9, 9, 6, 3, 2, 1, 0]

/** The times of a made-up tape: mostly later than the last, sometimes the same, seldom a little earlier. */
export class TapeClock {
  readonly #random: Random
  #second: number
  #nano = 0

  /** Begins at the whole second that `startMs` lies in. */
  constructor(random: Random, startMs: number) {
    this.#random = random
    this.#second = Math.floor(startMs / 1000)
  }

  /** The time of the next event, with the digits that chance gives it; some end in zeros. */
  next(): string {
    if (!this.#random.chance(0.1)) this.#advance(Math.floor(-Math.log(1 - this.#random.next()) * 200_000))
    const isLate = this.#nano > 5_000_000 && this.#random.chance(0.01)
    return this.#text(isLate ? this.#nano - this.#random.whole(1, 5_000_000) : this.#nano)
  }

  /** The beginning of the present minute, as bars carry it. */
  minute(): string {
    return textOf(this.#second - (this.#second % 60), '')
  }

  #advance(nanos: number): void {
    this.#nano += nanos
    if (this.#nano < nanosPerSecond) return
    this.#second += 1
    this.#nano -= nanosPerSecond
  }

  #text(nano: number): string {
    const fraction = String(nano).padStart(9, '0').slice(0, this.#random.pick(digits))
    const isRounded = this.#random.chance(0.05)
    return textOf(
      this.#second,
      isRounded ? fraction.replace(/\d{1,3}$/, zeros => '0'.repeat(zeros.length)) : fraction,
    )
  }
}

function textOf(second: number, fraction: string): string {
  const text = new Date(second * 1000).toISOString().slice(0, 19)
  return fraction === '' ? `${text}Z` : `${text}.${fraction}Z`
}
