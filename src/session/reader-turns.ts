import { setImmediate as nextLoopTurn } from 'node:timers/promises'

/** What readers that are behind may take of a turn of the event loop, in ms; the last of them may take a little longer. */
const budgetMs = 2

/**
 * Lets readers that are behind work one after the other, in each turn of the event loop for a short time, so that however many they are,
 * those that are live do not wait for them.
 */
export class ReaderTurns {
  readonly #now: () => number
  #waiting: (() => void)[] = []
  #next = 0
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
    while (this.#next < this.#waiting.length) {
      await nextLoopTurn()
      const startMs = this.#now()
      do this.#waiting[this.#next++]?.()
      while (this.#next < this.#waiting.length && this.#now() - startMs < budgetMs)
    }
    this.#waiting = []
    this.#next = 0
    this.#isUnderWay = false
  }
}
