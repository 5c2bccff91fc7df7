import type { Marks } from '../wire/wire-form.ts'

const initialMarks = 4096
/** What one batch has made larger is given back. */
const keptMarks = 1_048_576

/**
 * Which events of the batch under way go to which audience: a chain for each, all in one place, so that marking an event touches
 * nothing of an audience but itself.
 */
export class MarkChains {
  #indices = new Uint32Array(initialMarks)
  #nexts = new Uint32Array(initialMarks)
  /** Mark 0 is none. */
  #count = 1
  /** The chain that was listed last. */
  readonly #listed = { indices: new Uint32Array(64), count: 0 }

  /** Puts an event behind the last mark of a chain, 0 if it has none; the mark. */
  append(last: number, index: number): number {
    if (this.#count === this.#indices.length) this.#grow()
    const mark = this.#count++
    this.#indices[mark] = index
    this.#nexts[mark] = 0
    if (last > 0) this.#nexts[last] = mark
    return mark
  }

  /** The events of a chain, in order; good until the next call. */
  list(first: number): Marks {
    const listed = this.#listed
    listed.count = 0
    for (let mark = first; mark > 0; mark = this.next(mark)) {
      if (listed.count === listed.indices.length) listed.indices = grown(listed.indices)
      listed.indices[listed.count++] = this.index(mark)
    }
    return listed
  }

  /** The event of a mark. */
  index(mark: number): number {
    return this.#indices[mark] ?? 0
  }

  /** The mark behind it in its chain; 0 behind the last. */
  next(mark: number): number {
    return this.#nexts[mark] ?? 0
  }

  /** Ends all chains. */
  clear(): void {
    this.#count = 1
    if (this.#indices.length <= keptMarks) return
    this.#indices = new Uint32Array(initialMarks)
    this.#nexts = new Uint32Array(initialMarks)
  }

  #grow(): void {
    this.#indices = grown(this.#indices)
    this.#nexts = grown(this.#nexts)
  }
}

/** A copy with room for twice as many. */
function grown(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(numbers.length * 2)
  longer.set(numbers)
  return longer
}
