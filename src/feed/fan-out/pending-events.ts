import type { Marks } from '../../wire/wire-form.ts'
import { NumberList } from '../number-list.ts'
import { grown } from '../conflation/conflated-batch.ts'

const initialMarks = 4096
/** What one batch has made larger is given back. */
const keptMarks = 1_048_576

/**
 * Which events of the batch under way go to which audience: a chain for each, all in one place, so that marking an event touches
 * nothing of an audience but itself.
 */
export class PendingEvents {
  #indices = new Uint32Array(initialMarks)
  #nexts = new Uint32Array(initialMarks)
  /** Mark 0 is none. */
  #count = 1
  /** The chain that was listed last. */
  readonly #listed = new NumberList()

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
    this.#listed.clear()
    for (let mark = first; mark > 0; mark = this.#nexts[mark] ?? 0)
      this.#listed.push(this.#indices[mark] ?? 0)
    return this.#listed
  }

  /** Ends all chains. */
  clear(): void {
    this.#count = 1
    if (this.#indices.length <= keptMarks) return
    this.#indices = new Uint32Array(initialMarks)
    this.#nexts = new Uint32Array(initialMarks)
  }

  #grow(): void {
    this.#indices = grown(this.#indices, this.#count + 1)
    this.#nexts = grown(this.#nexts, this.#count + 1)
  }
}
