import type { Positions } from '../../wire/coverage.ts'
import type { Item } from '../last-values/item.ts'
import type { Payload } from '../../wire/payload.ts'

/** A receiver of conflated events. */
export interface ConflatedSubscriber {
  /**
   * Takes all frames of an interval. Takes none of them if it returns false, and has left its membership
   * then. Never throws.
   */
  offer(frames: readonly Payload[]): boolean
  /**
   * An item was forgotten before the subscriber got its last events. The subscriber leaves its membership.
   * Never throws.
   */
  miss(): void
}

/** Up to where a subscriber has everything. */
export interface Delivered {
  /** By partition number. A missing entry means: up to where the partition began on this node. */
  readonly positions: Positions
  /** False if earlier events were left over for the next interval. */
  readonly isComplete: boolean
}

/** Numbers of events by item number. */
export type ItemCounts = ReadonlyMap<number, number>

export const noEvents: ItemCounts = new Map()

/** The events that a member still has to get, as long as it is a member. */
export interface Undelivered {
  /** What the events passed; `undefined`: they are all events of their items. */
  readonly filterKey: string | undefined
  readonly counts: ItemCounts
  /** The newest of these events of an item, a view that is valid until the next event. */
  readonly newestOf: (item: Item) => Buffer | undefined
}

/** The moment at which a subscriber joined. */
export interface JoinMoment {
  readonly interval: number
  /** A moment of that interval's `ItemVersions`. */
  readonly moment: number
}

/** The members of an audience that have received the same so far, so that their frames are built once. */
export interface Cohort {
  readonly members: Set<ConflatedMembership>
  readonly joined: JoinMoment
  /** Up to where its members have everything, before the delivery under way. */
  delivered: Delivered
  /** Earlier events that its members still have to get: they did not fit into the last interval's frames. */
  leftovers: ItemCounts
}

export interface ConflatedMembershipOptions {
  readonly subscriber: ConflatedSubscriber
  readonly cohort: Cohort
  readonly undelivered: (member: ConflatedMembership) => Undelivered
  readonly onLeft: (member: ConflatedMembership) => void
}

/** A subscriber's membership of a cohort: what it was delivered, and the way out. */
export class ConflatedMembership {
  readonly subscriber: ConflatedSubscriber
  #cohort: Cohort
  #delivered: Delivered
  #deliveredInterval: number
  #leftovers: ItemCounts
  #hasLeft = false
  readonly #undelivered: (member: ConflatedMembership) => Undelivered
  readonly #onLeft: (member: ConflatedMembership) => void

  constructor({ subscriber, cohort, undelivered, onLeft }: ConflatedMembershipOptions) {
    this.subscriber = subscriber
    this.#cohort = cohort
    this.#delivered = cohort.delivered
    this.#deliveredInterval = cohort.joined.interval
    this.#leftovers = cohort.leftovers
    this.#undelivered = undelivered
    this.#onLeft = onLeft
    cohort.members.add(this)
  }

  /** Up to where the subscriber has everything; of one that has left, up to where it had. */
  get delivered(): Delivered {
    return this.#delivered
  }

  get cohort(): Cohort {
    return this.#cohort
  }

  /** The subscriber has received every interval before this one, except for `leftovers`. */
  get deliveredInterval(): number {
    return this.#deliveredInterval
  }

  get leftovers(): ItemCounts {
    return this.#leftovers
  }

  /**
   * States that the subscriber has received every interval before `interval`, except for its cohort's
   * leftovers.
   */
  settle(delivered: Delivered, interval: number): void {
    if (this.#hasLeft) return
    this.#delivered = delivered
    this.#deliveredInterval = interval
    this.#leftovers = this.#cohort.leftovers
  }

  /**
   * The events that the subscriber still has to get; `undefined` if it has left. A subscriber takes them
   * along to its next membership of the same filter; it asks before it leaves.
   */
  undelivered(): Undelivered | undefined {
    return this.#hasLeft ? undefined : this.#undelivered(this)
  }

  /** Moves the member to a cohort that has received the same. */
  move(cohort: Cohort): void {
    this.#cohort.members.delete(this)
    this.#cohort = cohort
    cohort.members.add(this)
  }

  /**
   * Ends the membership; has no effect the second time. Returns what the subscriber has received: it has to
   * read on from there. A subscriber that leaves while it is offered frames has not taken them.
   */
  leave(): Delivered {
    if (!this.#hasLeft) {
      this.#hasLeft = true
      this.#cohort.members.delete(this)
      this.#onLeft(this)
    }
    return this.#delivered
  }
}
