import type { EventIndices } from '../../wire/wire-form.ts'
import { EventBatch } from '../last-values/event-batch.ts'
import { ReadBuffer } from './read-buffer.ts'

/** Memory that the readers of a feed use in turn. Each empties it before the event loop goes on. */
export class ReadContext {
  /** For events that are read from the window. */
  readonly buffer = new ReadBuffer({ maxBytes: 131_072, maxEvents: 4096, maxSteps: 50_000 })
  /** For events that are read from the log. */
  readonly batch = new EventBatch()
  #indices = new Uint32Array(0)

  /** Returns the indices of all of `count` events. */
  allOf(count: number): EventIndices {
    if (count > this.#indices.length) {
      this.#indices = new Uint32Array(Math.max(4096, count * 2))
      for (let index = 0; index < this.#indices.length; index++) this.#indices[index] = index
    }
    return { indices: this.#indices, count }
  }
}
