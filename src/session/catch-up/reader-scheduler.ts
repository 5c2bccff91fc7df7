import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { Queue } from '../../limits/queue.ts'

/**
 * What all readers together may take of a turn of the event loop, in ms; the last of them may take a little
 * longer.
 */
const budgetMs = 2

/**
 * Lets readers that are behind work one after the other, for a short time in each turn of the event loop.
 * However many they are, live readers do not wait for them.
 */
export class ReaderScheduler {
  readonly #now: () => number
  readonly #waiting = new Queue<() => void>()
  #isRunning = false

  /** `now`: milliseconds on a clock that only goes on. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does a piece of work in its turn, never at once. Resolves to its result. */
  schedule<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      await nextLoopTurn()
      const startMs = this.#now()
      do this.#waiting.shift()?.()
      while (this.#waiting.length > 0 && this.#now() - startMs < budgetMs)
    }
    this.#isRunning = false
  }
}
