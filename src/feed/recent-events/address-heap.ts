import { grown } from '../number-list.ts'

/** A binary heap of row addresses, the lowest at its top. */
export class AddressHeap {
  #addresses = new Float64Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The lowest address; 0 if there is none. */
  get top(): number {
    return this.#addresses[0] ?? 0
  }

  clear(): void {
    this.#size = 0
  }

  push(address: number): void {
    if (this.#size === this.#addresses.length)
      this.#addresses = grown(this.#addresses, new Float64Array(this.#size * 2))
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#addresses[parent] ?? 0
      if (above <= address) break
      this.#addresses[at] = above
      at = parent
    }
    this.#addresses[at] = address
  }

  /** Removes the top. */
  pop(): void {
    const last = this.#addresses[--this.#size] ?? 0
    if (this.#size > 0) this.replaceTop(last)
  }

  /** Replaces the top by another address. */
  replaceTop(address: number): void {
    let at = 0
    for (;;) {
      const child = this.#lowerChild(at)
      const below = this.#addresses[child] ?? 0
      if (child >= this.#size || below >= address) break
      this.#addresses[at] = below
      at = child
    }
    this.#addresses[at] = address
  }

  #lowerChild(at: number): number {
    const left = at * 2 + 1
    const right = left + 1
    const isRightLower = right < this.#size && (this.#addresses[right] ?? 0) < (this.#addresses[left] ?? 0)
    return isRightLower ? right : left
  }
}
