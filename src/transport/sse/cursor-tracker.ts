import type { Payload } from '../../wire/payload.ts'
import type { Cursor } from './cursor.ts'
import type { SharedCursors } from './shared-cursors.ts'

/**
 * Keeps what a client that follows `PROTOCOL.md` §8 would keep, and writes it as the id of events: the client
 * brings it back in `Last-Event-ID`.
 */
export class CursorTracker {
  readonly #cursors: SharedCursors
  #cursor: Cursor | undefined
  #isTooLong = false

  constructor(cursors: SharedCursors) {
    this.#cursors = cursors
  }

  /** Whether the client has more partitions than an id has room for; it gets no ids then. */
  get isTooLong(): boolean {
    return this.#isTooLong
  }

  /** Moves the client's positions by what it is sent. Returns the id of the event if they have moved. */
  follow(payload: Payload): string | undefined {
    if (this.#isTooLong) return undefined
    const cursor = this.#cursors.after(this.#cursor, payload)
    if (cursor === undefined || cursor === this.#cursor) return undefined
    this.#isTooLong = cursor.id === undefined
    this.#cursor = this.#isTooLong ? undefined : cursor
    return cursor.id
  }
}
