/** A request's place among those of its connection. */
export interface Turn {
  /** Resolves when every earlier request of the connection has had its turn. */
  readonly before: Promise<unknown>
  /** Lets the next one go on; to be called in any case. */
  readonly end: () => void
}

/**
 * Keeps pipelined requests in order: requests of one connection that are not safe are processed one after the other (RFC 9112
 * §9.3.2), although a later one, shorter or not compressed, may be ready first.
 */
export class RequestTurns {
  readonly #last = new WeakMap<object, Promise<unknown>>()

  /** Takes the next turn of a connection. */
  take(connection: object): Turn {
    const before = this.#last.get(connection) ?? Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(connection, Promise.all([before, promise]))
    return { before, end: resolve }
  }
}
