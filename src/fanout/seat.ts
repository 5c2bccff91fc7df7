import type { Block } from '../wire/block.ts'
import type { Positions } from '../wire/coverage.ts'

/** One receiver of what is told at an interval. */
export interface ConflatedSubscriber {
  /** Takes all blocks of a tick; or none of them: false, and it has left its seat. Never throws. */
  offer(blocks: readonly Block[]): boolean
  /** It cannot be told of everything that it was still to be told of; leaves its seat. Never throws. */
  miss(): void
}

/** What a subscriber was told. */
export interface Told {
  /** Up to where, by the number of the partition; of one that is missing, up to where the node began with it. */
  readonly positions: Positions
  /** Whether that is all: not if items were left over for the next tick. */
  readonly isWhole: boolean
}

/** Events by the number of their item. */
export type ItemEvents = ReadonlyMap<number, number>

/** Those of an audience that were told the same so far. */
export interface Cohort {
  readonly seats: Set<Seat>
  /** Whether it was told nothing yet: it joined in the interval under way, or in the one that is just being told. */
  isNew: boolean
  /** In which interval it joined, and at which of its moments. */
  readonly since: { readonly interval: number; readonly moment: number }
  /** What it still has to be told of before: what did not fit in the last tick. */
  leftovers: ItemEvents
  /** The interval under way when frames were last built for it, and what was left over before. */
  built: { readonly interval: number; readonly leftovers: ItemEvents }
}

export interface SeatOptions {
  readonly subscriber: ConflatedSubscriber
  readonly cohort: Cohort
  readonly told: Told
  readonly untold: (seat: Seat) => ItemEvents
  readonly onLeft: (seat: Seat) => void
}

/** The place of a subscriber among those that are told the same at the same times. */
export class Seat {
  readonly subscriber: ConflatedSubscriber
  #cohort: Cohort
  #told: Told
  #toldInterval: number
  #hasLeft = false
  readonly #untold: (seat: Seat) => ItemEvents
  readonly #onLeft: (seat: Seat) => void

  constructor({ subscriber, cohort, told, untold, onLeft }: SeatOptions) {
    this.subscriber = subscriber
    this.#cohort = cohort
    this.#told = told
    this.#toldInterval = cohort.since.interval
    this.#untold = untold
    this.#onLeft = onLeft
    cohort.seats.add(this)
  }

  /** What its subscriber was told before it left, if it has. */
  get told(): Told {
    return this.#told
  }

  get cohort(): Cohort {
    return this.#cohort
  }

  /** The number of the interval before which its subscriber was told of everything. */
  get toldInterval(): number {
    return this.#toldInterval
  }

  /** States what its subscriber was told: of everything before an interval. */
  settle(told: Told, interval: number): void {
    if (this.#hasLeft) return
    this.#told = told
    this.#toldInterval = interval
  }

  /** What its subscriber has still to be told of until now, to be taken along to the seat that it changes to; asked before it leaves. */
  untold(): ItemEvents {
    return this.#hasLeft ? new Map() : this.#untold(this)
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
      this.#onLeft(this)
    }
    return this.#told
  }
}
