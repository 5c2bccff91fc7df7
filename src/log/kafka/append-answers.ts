import type { AppendResult } from '../event-log.ts'

/** The answers to one call of `append`, which come one by one, in any order. */
export class AppendAnswers {
  /** Resolves with the answers, in the order of the events, when all have come. */
  readonly all: Promise<readonly AppendResult[]>
  readonly #results: AppendResult[]
  readonly #complete: (results: readonly AppendResult[]) => void
  #missing: number

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<readonly AppendResult[]>()
    this.all = promise
    this.#complete = resolve
    this.#missing = count
    this.#results = Array.from({ length: count })
    if (count === 0) resolve([])
  }

  /** What answers the event at `index`, to be called once. */
  at(index: number): (result: AppendResult) => void {
    return result => this.put(index, result)
  }

  /** Answers the event at `index`, once. */
  put(index: number, result: AppendResult): void {
    this.#results[index] = result
    this.#missing -= 1
    if (this.#missing === 0) this.#complete(this.#results)
  }
}
