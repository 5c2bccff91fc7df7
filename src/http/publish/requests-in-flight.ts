import { type Refusal, refuseForNow } from '../answer.ts'

/** Memory of the bodies of all requests in flight; a single one may be longer. */
const limitBytes = 64 * 1_048_576
/** The same of one user, so that a slow sender only blocks itself. */
const userLimitBytes = limitBytes / 4

/** Limits the memory of the bodies of requests in flight. */
export class BodyMemory {
  readonly #byUser = new Map<string, number>()
  #total = 0

  /** Claims the memory of a body. Returns a function that releases it, or a refusal. */
  claim(user: string, bytes: number): (() => void) | Refusal {
    const held = this.#byUser.get(user) ?? 0
    if (held > 0 && held + bytes > userLimitBytes) {
      return refuseForNow(429, 'too many requests of this user are under way; try again', 1)
    }
    if (this.#total > 0 && this.#total + bytes > limitBytes) {
      return refuseForNow(503, 'too many requests are under way; try again', 1)
    }
    this.#add(user, bytes)
    return () => this.#add(user, -bytes)
  }

  #add(user: string, bytes: number): void {
    const held = (this.#byUser.get(user) ?? 0) + bytes
    this.#total += bytes
    if (held > 0) this.#byUser.set(user, held)
    else this.#byUser.delete(user)
  }
}

/** A request's place in the pipeline of its connection. */
export interface PipelineTurn {
  /** Resolves when every earlier request of the connection has ended its turn. */
  readonly before: Promise<unknown>
  /** Ends the turn; always to be called. */
  readonly end: () => void
}

/**
 * Keeps pipelined requests in order: unsafe requests of one connection are processed one after the other (RFC
 * 9112 §9.3.2), although a later one, being shorter or not compressed, may be read first.
 */
export class RequestPipeline {
  readonly #last = new WeakMap<object, Promise<unknown>>()

  /** Returns the next turn of a connection. */
  enqueue(connection: object): PipelineTurn {
    const before = this.#last.get(connection) ?? Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(connection, Promise.all([before, promise]))
    return { before, end: resolve }
  }
}
