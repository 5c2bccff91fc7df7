import { Queue } from './queue.ts'

/**
 * Work that may come in storms, done a few pieces in each turn of the event loop, so that deliveries and everything else come in
 * between. Without a storm it is done at once.
 */
export class SlicedQueue {
  readonly #perTurn: number
  /** What goes on with something begun, before what begins something new; a piece of each turn is for the latter. */
  readonly #queues = { ongoing: new Queue<() => void>(), fresh: new Queue<() => void>() }
  #doneThisTurn = 0
  #isTurning = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** How many pieces wait. */
  get waiting(): number {
    return this.#queues.ongoing.length + this.#queues.fresh.length
  }

  /** Begins something, now or when its turn comes; first come, first served. */
  begin(work: () => void): void {
    this.#queues.fresh.push(work)
    this.#work()
  }

  /** Goes on with something that was begun: before everything that was not. */
  goOn(work: () => void): void {
    this.#queues.ongoing.push(work)
    this.#work()
  }

  /** What goes on must not keep out for ever what is new. */
  #next(): (() => void) | undefined {
    const { ongoing, fresh } = this.#queues
    const isForNew = this.#perTurn > 1 && this.#doneThisTurn === this.#perTurn - 1
    return isForNew ? (fresh.shift() ?? ongoing.shift()) : (ongoing.shift() ?? fresh.shift())
  }

  #work(): void {
    while (this.#doneThisTurn < this.#perTurn) {
      const work = this.#next()
      if (work === undefined) break
      this.#doneThisTurn += 1
      work()
    }
    if (this.#isTurning || this.#doneThisTurn === 0) return
    this.#isTurning = true
    setImmediate(() => {
      this.#isTurning = false
      this.#doneThisTurn = 0
      this.#work()
    })
  }
}
