import { type Refusal, refuseForNow } from '../answer.ts'

/** What the bodies of all requests under way may come to together; a single one may be longer where there is no other. */
const limit = 64 * 1_048_576
/** And those of one user, so that who sends slowly keeps only himself out. */
const limitOfUser = limit / 4

/** The memory that the bodies of requests under way may take. */
export class BodyMemory {
  readonly #ofUsers = new Map<string, number>()
  #all = 0

  /** Claims what a body may come to: gives it back when called, or is a refusal. */
  claim(user: string, bytes: number): (() => void) | Refusal {
    const held = this.#ofUsers.get(user) ?? 0
    if (held > 0 && held + bytes > limitOfUser) {
      return refuseForNow(429, 'too many requests of this user are under way; try again', 1)
    }
    if (this.#all > 0 && this.#all + bytes > limit) {
      return refuseForNow(503, 'too many requests are under way; try again', 1)
    }
    this.#add(user, bytes)
    return () => this.#add(user, -bytes)
  }

  #add(user: string, bytes: number): void {
    const held = (this.#ofUsers.get(user) ?? 0) + bytes
    this.#all += bytes
    if (held > 0) this.#ofUsers.set(user, held)
    else this.#ofUsers.delete(user)
  }
}

/** A request's place among those of its connection. */
export interface PipelineTurn {
  /** Resolves when every earlier request of the connection has had its turn. */
  readonly before: Promise<unknown>
  /** Lets the next one go on; to be called in any case. */
  readonly end: () => void
}

/**
 * Keeps pipelined requests in order: requests of one connection that are not safe are processed one after the other (RFC 9112
 * §9.3.2), although a later one, shorter or not compressed, may be ready first.
 */
export class RequestPipeline {
  readonly #last = new WeakMap<object, Promise<unknown>>()

  /** Takes the next turn of a connection. */
  take(connection: object): PipelineTurn {
    const before = this.#last.get(connection) ?? Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(connection, Promise.all([before, promise]))
    return { before, end: resolve }
  }
}
