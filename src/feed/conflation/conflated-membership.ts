import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { Positions } from '../../wire/coverage.ts'

/** One receiver of what is told at an interval. */
export interface ConflatedSubscriber {
  /** Takes all blocks of a tick; or none of them: false, and it has left its seat. Never throws. */
  offer(blocks: readonly PreparedFrame[]): boolean
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
export type ItemCounts = ReadonlyMap<number, number>

/** Those of an audience that were told the same so far. */
export interface Cohort {
  readonly seats: Set<ConflatedMembership>
  /** Whether it was told nothing yet: it joined in the interval under way, or in the one that is just being told. */
  isNew: boolean
  /** In which interval it joined, and at which of its moments. */
  readonly since: { readonly interval: number; readonly moment: number }
  /** What it still has to be told of before: what did not fit in the last tick. */
  leftovers: ItemCounts
  /** The interval under way when frames were last built for it, and what was left over before. */
  built: { readonly interval: number; readonly leftovers: ItemCounts }
}

export interface ConflatedMembershipOptions {
  readonly subscriber: ConflatedSubscriber
  readonly cohort: Cohort
  readonly told: Told
  readonly undelivered: (seat: ConflatedMembership) => ItemCounts
  readonly onLeft: (seat: ConflatedMembership) => void
}

/** The place of a subscriber among those that are told the same at the same times. */
export class ConflatedMembership {
  readonly subscriber: ConflatedSubscriber
  #cohort: Cohort
  #told: Told
  #toldInterval: number
  #hasLeft = false
  readonly #undelivered: (seat: ConflatedMembership) => ItemCounts
  readonly #onLeft: (seat: ConflatedMembership) => void

  constructor({ subscriber, cohort, told, undelivered, onLeft }: ConflatedMembershipOptions) {
    this.subscriber = subscriber
    this.#cohort = cohort
    this.#told = told
    this.#toldInterval = cohort.since.interval
    this.#undelivered = undelivered
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
  undelivered(): ItemCounts {
    return this.#hasLeft ? new Map() : this.#undelivered(this)
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
