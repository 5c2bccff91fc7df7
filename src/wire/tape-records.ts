import { TapeBytes } from './tape/tape-bytes.ts'

/** The records of the events of a run, by their index there; what has none goes as JSON. */
export class TapeRecords {
  readonly #bytes = new TapeBytes()
  /** Where each ends. */
  #ends = new Uint32Array(512)
  #count = 0

  /** Where the record of the event with this index is written next; those before that were left out have none. */
  begin(index: number): TapeBytes {
    while (this.#count < index) this.end()
    return this.#bytes
  }

  /** Ends the record that was written. */
  end(): void {
    if (this.#count === this.#ends.length) {
      const ends = new Uint32Array(this.#count * 2)
      ends.set(this.#ends)
      this.#ends = ends
    }
    this.#ends[this.#count++] = this.#bytes.length
  }

  /** The length of an event's record; 0 if it has none. */
  lengthAt(index: number): number {
    return index < this.#count ? (this.#ends[index] ?? 0) - this.#startOf(index) : 0
  }

  /** Appends an event's record. */
  copy(index: number, out: TapeBytes): void {
    out.append(this.#bytes.bytes.subarray(this.#startOf(index), this.#ends[index]))
  }

  clear(): void {
    this.#bytes.clear()
    this.#count = 0
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }
}
