/**
 * Random numbers that repeat exactly from a seed: sfc32, the small fast counting generator of PractRand
 * (https://pracrand.sourceforge.net/RNG_engines.txt). Not for secrets.
 */
export class Random {
  #a: number
  #b: number
  #c = 0x9e3779b9 | 0
  #counter = 1
  #spareNormal: number | undefined

  /** `seed` is a whole number of up to 2^53 - 1. */
  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    for (let round = 0; round < 16; round++) this.#bits()
  }

  /** Returns a number from 0 to just under 1. */
  unit(): number {
    return this.#bits() / 2 ** 32
  }

  /** Returns a number from `low` to just under `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit()
  }

  /** Returns a whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count)
  }

  /** Returns true with a probability. */
  chance(probability: number): boolean {
    return this.unit() < probability
  }

  /** Returns an exponentially distributed number with mean 1: the waiting times of independent events. */
  exponential(): number {
    return -Math.log(1 - this.unit())
  }

  /**
   * Returns a normally distributed number with mean 0 and deviation 1, by Marsaglia's polar method, which
   * yields two.
   */
  normal(): number {
    const spare = this.#spareNormal
    if (spare !== undefined) {
      this.#spareNormal = undefined
      return spare
    }
    for (;;) {
      const x = 2 * this.unit() - 1
      const y = 2 * this.unit() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const scale = Math.sqrt((-2 * Math.log(square)) / square)
      this.#spareNormal = y * scale
      return x * scale
    }
  }

  /** Returns one element of a list, each equally likely. */
  pick<Element>(list: readonly [Element, ...Element[]]): Element {
    return list[this.below(list.length)] ?? list[0]
  }

  /** Returns 32 random bits as a non-negative number. */
  #bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/**
 * Draws from a list in proportion to weights, in constant time (Walker's alias method, as set up by Vose).
 */
export class WeightedChoice<Element> {
  readonly #elements: readonly Element[]
  /**
   * For each slot, the probability with which its own element is drawn, and the element that is drawn
   * otherwise.
   */
  readonly #own: Float64Array
  readonly #alias: Int32Array

  /** `elements` has at least one; `weights` has one for each, not negative and not all 0. */
  constructor(elements: readonly Element[], weights: readonly number[]) {
    const count = elements.length
    this.#elements = elements
    this.#own = new Float64Array(count).fill(1)
    this.#alias = Int32Array.from({ length: count }, (_, index) => index)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.#balance(weights.map(weight => (weight * count) / total))
  }

  draw(random: Random): Element {
    const place = random.unit() * this.#own.length
    const slot = Math.floor(place)
    const index = place - slot < (this.#own[slot] ?? 1) ? slot : (this.#alias[slot] ?? slot)
    const element = this.#elements[index]
    if (element === undefined) throw new RangeError('nothing to choose from: expected one element at least')
    return element
  }

  /** The mean of `shares` is 1: every slot with less is filled up from one with more. */
  #balance(shares: number[]): void {
    const poor: number[] = []
    const rich: number[] = []
    for (const [index, share] of shares.entries()) (share < 1 ? poor : rich).push(index)
    for (;;) {
      const from = rich.at(-1)
      const to = from === undefined ? undefined : poor.pop()
      if (from === undefined || to === undefined) return
      const own = shares[to] ?? 1
      this.#own[to] = own
      this.#alias[to] = from
      const left = (shares[from] ?? 1) + own - 1
      shares[from] = left
      if (left < 1) {
        rich.pop()
        poor.push(from)
      }
    }
  }
}
