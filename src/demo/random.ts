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

  /** `seed`: a whole number of up to 2^53 - 1. */
  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    for (let round = 0; round < 16; round++) this.#bits()
  }

  /** From 0 to just under 1. */
  unit(): number {
    return this.#bits() / 2 ** 32
  }

  /** From `low` to just under `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit()
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.unit() * count)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability
  }

  /** Exponentially distributed with mean 1: the waiting times of independent events. */
  exponential(): number {
    return -Math.log(1 - this.unit())
  }

  /** Normally distributed with mean 0 and deviation 1, by Marsaglia's polar method, which yields two at a time. */
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

  /** One of the list, each equally likely. */
  pick<Element>(list: readonly [Element, ...Element[]]): Element {
    return list[this.below(list.length)] ?? list[0]
  }

  /** 32 random bits as a number that is not negative. */
  #bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}
