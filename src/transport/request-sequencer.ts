import type { Socket } from 'node:net'
import type { SlicedQueue } from '../limits/sliced-queue.ts'
import { Queue } from '../limits/queue.ts'

/** A connection with more waiting requests is not read until these are done. */
const maxWaiting = 16

/**
 * Begins the requests of each connection one after the other, each in a turn of its own. A connection that
 * sends thousands at once (pipelining, RFC 9112 §9.3.2) waits for itself, and others do not wait for it.
 */
export class RequestSequencer {
  readonly #work: SlicedQueue
  /** Requests behind the one whose turn is next. */
  readonly #waiting = new WeakMap<Socket, Queue<() => void>>()

  constructor(work: SlicedQueue) {
    this.#work = work
  }

  /** Handles a request of a connection when its turn comes, unless the connection has ended by then. */
  enqueue(socket: Socket, request: () => void): void {
    const waiting = this.#waiting.get(socket)
    if (waiting === undefined) {
      this.#waiting.set(socket, new Queue())
      this.#goOn(socket, request)
    } else {
      waiting.push(request)
      if (waiting.length === maxWaiting) this.#pauseAfter(socket, waiting)
    }
  }

  /**
   * Node reads on at the end of each request, so pausing has to come after everything read is parsed, and
   * before more is.
   */
  #pauseAfter(socket: Socket, waiting: Queue<() => void>): void {
    process.nextTick(() => {
      if (waiting.length > 0) socket.pause()
    })
  }

  #goOn(socket: Socket, request: () => void): void {
    this.#work.enqueueContinuation(() => {
      const waiting = this.#waiting.get(socket)
      if (!socket.destroyed) request()
      const next = socket.destroyed ? undefined : waiting?.shift()
      if (next !== undefined) {
        this.#goOn(socket, next)
      } else {
        this.#waiting.delete(socket)
        if (!socket.destroyed && socket.isPaused()) socket.resume()
      }
    })
  }
}
