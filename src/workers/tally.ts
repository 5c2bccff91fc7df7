/** One counter of a node, made of those of its workers; it never falls, though workers end and others begin at 0. */
export interface Tally {
  /** What it comes to. */
  readonly total: number
  /** The counters of workers stand at this now; workers are told apart by numbers that are never used again. */
  take(values: ReadonlyMap<number, number>): void
  /** The worker is gone: what it has counted stays. */
  forget(worker: number): void
}

/** Each worker counts a part of it. */
export class SumTally implements Tally {
  readonly #values = new Map<number, number>()
  #ofGone = 0

  get total(): number {
    let total = this.#ofGone
    for (const value of this.#values.values()) total += value
    return total
  }

  take(values: ReadonlyMap<number, number>): void {
    for (const [worker, value] of values) this.#values.set(worker, value)
  }

  forget(worker: number): void {
    this.#ofGone += this.#values.get(worker) ?? 0
    this.#values.delete(worker)
  }
}

/**
 * Each worker counts all of it, as what it reads of the log: that of the worker that is furthest counts. One that begins later goes on
 * where the others are, whatever it reads again of what they have counted.
 */
export class MostTally implements Tally {
  /** What is added to a worker's counter. */
  readonly #heads = new Map<number, number>()
  #total: number | undefined

  get total(): number {
    return this.#total ?? 0
  }

  /** Those that are known come first: they say where the others begin. Who was there from the beginning begins at 0. */
  take(values: ReadonlyMap<number, number>): void {
    let total = this.total
    for (const [worker, value] of values) {
      const head = this.#total === undefined ? 0 : this.#heads.get(worker)
      if (head === undefined) continue
      this.#heads.set(worker, head)
      total = Math.max(total, head + value)
    }
    this.#total = total
    for (const [worker, value] of values) {
      if (!this.#heads.has(worker)) this.#heads.set(worker, total - value)
    }
  }

  forget(worker: number): void {
    this.#heads.delete(worker)
  }
}
