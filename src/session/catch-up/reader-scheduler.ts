import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { Queue } from '../../limits/queue.ts'

/** What readers that are behind may take of a turn of the event loop, in ms; the last of them may take a little longer. */
const budgetMs = 2

/**
 * Lets readers that are behind work one after the other, in each turn of the event loop for a short time, so that however many they are,
 * those that are live do not wait for them.
 */
export class ReaderScheduler {
  readonly #now: () => number
  readonly #waiting = new Queue<() => void>()
  #isUnderWay = false

  /** `now`: milliseconds on a clock that only goes on. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does a piece of work in its turn, never at once; what it gives. */
  take<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (!this.#isUnderWay) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isUnderWay = true
    while (this.#waiting.length > 0) {
      await nextLoopTurn()
      const startMs = this.#now()
      do this.#waiting.shift()?.()
      while (this.#waiting.length > 0 && this.#now() - startMs < budgetMs)
    }
    this.#isUnderWay = false
  }
}
