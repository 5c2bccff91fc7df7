import type { Block } from '../wire/block.ts'
import type { Positions } from '../wire/coverage.ts'

/** One receiver of what is told at an interval. */
export interface ConflatedSubscriber {
  /** Takes all blocks of a tick; or none of them: false, and it has left its seat. Never throws. */
  offer(blocks: readonly Block[]): boolean
}

/** What a subscriber was told. */
export interface Told {
  /** Up to where, by the number of the partition; of one that is missing, up to where the node began with it. */
  readonly positions: Positions
  /** Whether that is all: not if items were left over for the next tick. */
  readonly isWhole: boolean
}

/** Those of an audience that were told the same so far. */
export interface Cohort {
  readonly seats: Set<Seat>
  /** Whether it was told nothing yet: it joined in the interval under way, or in the one that is just being told. */
  isNew: boolean
  /** The numbers of items that did not fit in the last tick, with the events that have to be told of them. */
  leftovers: Map<number, number>
}

export interface SeatOptions {
  readonly subscriber: ConflatedSubscriber
  readonly cohort: Cohort
  readonly told: Told
  readonly onLeft: () => void
}

/** The place of a subscriber among those that are told the same at the same times. */
export class Seat {
  readonly subscriber: ConflatedSubscriber
  #cohort: Cohort
  #told: Told
  #hasLeft = false
  readonly #onLeft: () => void

  constructor({ subscriber, cohort, told, onLeft }: SeatOptions) {
    this.subscriber = subscriber
    this.#cohort = cohort
    this.#told = told
    this.#onLeft = onLeft
    cohort.seats.add(this)
  }

  /** What its subscriber was told before it left, if it has. */
  get told(): Told {
    return this.#told
  }

  /** States what its subscriber was told with a tick. */
  settle(told: Told): void {
    if (!this.#hasLeft) this.#told = told
  }

  /** Puts it with others that were told the same. */
  move(cohort: Cohort): void {
    this.#cohort.seats.delete(this)
    this.#cohort = cohort
    cohort.seats.add(this)
  }

  /**
   * Gives the seat up; again, does nothing. What its subscriber was told: from there on it has to read. Who leaves while it is
   * offered something has not taken it.
   */
  leave(): Told {
    if (!this.#hasLeft) {
      this.#hasLeft = true
      this.#cohort.seats.delete(this)
      this.#onLeft()
    }
    return this.#told
  }
}
