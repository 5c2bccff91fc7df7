const initialLength = 64
/** A list that was longer than this gives its memory back when it is emptied. */
const keptLength = 16_384

/** A list of whole numbers below 2^32 in memory that grows and is used again. */
export class NumberList {
  indices = new Uint32Array(initialLength)
  count = 0

  push(number: number): void {
    if (this.count === this.indices.length)
      this.indices = grown(this.indices, new Uint32Array(this.count * 2))
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

/** Copies a typed array into a longer one of its type, and returns that one. */
export function grown<Column extends Uint8Array | Uint32Array | Int32Array | Float64Array>(
  column: Column,
  longer: Column,
): Column {
  longer.set(column)
  return longer
}
