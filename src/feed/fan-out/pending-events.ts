import type { EventIndices } from '../../wire/wire-form.ts'
import { grown, NumberList } from '../number-list.ts'

const initialLinks = 4096
/** Columns that one batch has made longer than this are given back. */
const keptLinks = 1_048_576

/**
 * The events of the batch under way that are pending for each audience: a linked list per audience, all in
 * two columns, so that marking an event touches nothing of an audience but itself.
 */
export class PendingEvents {
  /** By link: the index of an event, and the next link. */
  #indices = new Uint32Array(initialLinks)
  #nexts = new Uint32Array(initialLinks)
  /** Link 0 is none. */
  #count = 1
  readonly #listed = new NumberList()

  /** Appends an event to the list that ends with the link `last`; 0 begins a list. Returns the new link. */
  append(last: number, index: number): number {
    if (this.#count === this.#indices.length) this.#grow()
    const link = this.#count++
    this.#indices[link] = index
    this.#nexts[link] = 0
    if (last > 0) this.#nexts[last] = link
    return link
  }

  /** Returns the events of a list, in order; valid until the next call. */
  list(first: number): EventIndices {
    this.#listed.clear()
    for (let link = first; link > 0; link = this.#nexts[link] ?? 0)
      this.#listed.push(this.#indices[link] ?? 0)
    return this.#listed
  }

  /** Ends all lists. */
  clear(): void {
    this.#count = 1
    if (this.#indices.length <= keptLinks) return
    this.#indices = new Uint32Array(initialLinks)
    this.#nexts = new Uint32Array(initialLinks)
  }

  #grow(): void {
    const length = this.#count * 2
    this.#indices = grown(this.#indices, new Uint32Array(length))
    this.#nexts = grown(this.#nexts, new Uint32Array(length))
  }
}
