const initialLength = 64
/** A list that once was longer gives its memory back when it is emptied. */
const keptLength = 16_384

/** Whole numbers below 2^32, one after the other, in memory that grows and is used again. */
export class NumberList {
  indices = new Uint32Array(initialLength)
  count = 0

  push(number: number): void {
    if (this.count === this.indices.length) {
      const indices = new Uint32Array(this.count * 2)
      indices.set(this.indices)
      this.indices = indices
    }
    this.indices[this.count++] = number
  }

  at(index: number): number {
    return this.indices[index] ?? 0
  }

  sort(): void {
    this.indices.subarray(0, this.count).sort()
  }

  clear(): void {
    this.count = 0
    if (this.indices.length > keptLength) this.indices = new Uint32Array(initialLength)
  }
}
