import { Queue } from './queue.ts'

/**
 * Runs tasks that may come in storms, a few in each turn of the event loop, so that deliveries come in
 * between. Without a storm a task runs at once.
 */
export class SlicedQueue {
  readonly #perTurn: number
  /**
   * Continuations, and new tasks. Continuations come first, but the last place of each turn is for a new
   * task.
   */
  readonly #queues = { ongoing: new Queue<() => void>(), fresh: new Queue<() => void>() }
  #doneThisTurn = 0
  #isScheduled = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** The number of waiting tasks. */
  get waiting(): number {
    return this.#queues.ongoing.length + this.#queues.fresh.length
  }

  /** Runs a new task, now or when its turn comes; first come, first served. */
  enqueue(work: () => void): void {
    this.#queues.fresh.push(work)
    this.#runSlice()
  }

  /** Runs the continuation of a task: before every new task. */
  enqueueContinuation(work: () => void): void {
    this.#queues.ongoing.push(work)
    this.#runSlice()
  }

  /** Returns the next task. Continuations must not keep out new tasks for ever. */
  #next(): (() => void) | undefined {
    const { ongoing, fresh } = this.#queues
    const isForNew = this.#perTurn > 1 && this.#doneThisTurn === this.#perTurn - 1
    return isForNew ? (fresh.shift() ?? ongoing.shift()) : (ongoing.shift() ?? fresh.shift())
  }

  #runSlice(): void {
    while (this.#doneThisTurn < this.#perTurn) {
      const work = this.#next()
      if (work === undefined) break
      this.#doneThisTurn += 1
      work()
    }
    if (this.#isScheduled || this.#doneThisTurn === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#doneThisTurn = 0
      this.#runSlice()
    })
  }
}
