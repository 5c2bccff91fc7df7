import type { Random } from './random.ts'

/** Draws from a list in proportion to weights, in constant time (Walker's alias method, as set up by Vose). */
export class WeightedChoice<Element> {
  readonly #elements: readonly Element[]
  /** Per slot: with which probability the slot's own element is drawn, and which one otherwise. */
  readonly #own: Float64Array
  readonly #alias: Int32Array

  /** `elements`: one at least; `weights`: one per element, not negative, not all 0. */
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

  /** `shares` average 1: every slot that has less is filled up from one that has more. */
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
