import type { Positions } from '../../wire/coverage.ts'
import type { ActiveFilter } from '../active-filters.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import { type Selection, SubscriberCounts } from '../selection.ts'
import { CarriedEvents } from './carried-events.ts'
import { ConflatedAudience, type ConflatedFrames } from './conflated-audience.ts'
import { ConflatedBatch } from './conflated-batch.ts'
import {
  type Cohort,
  ConflatedMembership,
  type ConflatedSubscriber,
  type Delivered,
  type ItemCounts,
  noEvents,
  type Undelivered,
} from './conflated-membership.ts'
import type { IntervalEvents } from './interval-events.ts'
import { ItemVersions } from './item-versions.ts'
import { MatchingEvents } from './matching-events.ts'

/** The work left for this turn of the event loop; writing to one subscriber is 1. */
export interface WorkBudget {
  left: number
}

export interface MembershipRequest {
  readonly subscriber: ConflatedSubscriber
  readonly selection: Selection
  readonly form: WireForm
  /**
   * The events that the subscriber takes along from the memberships that it gives up for this one
   * (`ConflatedMembership.undelivered`), as far as they passed the same filter.
   */
  readonly undelivered?: readonly Undelivered[]
}

export interface ConflationIntervalOptions {
  readonly items: Items
  readonly progress: { readonly reached: Positions }
  readonly maxIntervalBytes: number
  /** What all its events have to pass. */
  readonly filter?: ActiveFilter | undefined
  /** Called for each cohort with its frames and the number of members that took them. */
  readonly onDelivered: (frames: ConflatedFrames, receivers: number) => void
  /** Called with the selection of an audience that begins. */
  readonly onOpened: (selection: Selection) => void
  /** Called with the selection of an audience that has ended. */
  readonly onReleased: (selection: Selection) => void
  /** Called when the last subscriber has left. */
  readonly onEmpty: () => void
}

/** Looking at so many items, or encoding so many events, costs about as much as one write. */
const stepsPerWrite = 64

/**
 * All subscribers of one interval length without a filter, or with the same one. Events are counted by item,
 * once for all audiences. At the end of an interval the newest event of each item that changed is copied into
 * a batch, and the audiences get their parts of it while the next interval is under way.
 */
export class ConflationInterval {
  readonly subscriberCounts = new SubscriberCounts()
  readonly #options: ConflationIntervalOptions
  readonly #audiences = new Map<string, ConflatedAudience>()
  /** Of the interval under way. */
  #events: IntervalEvents
  /** Of the interval that ended last, until everyone got it. */
  #endedEvents: IntervalEvents
  readonly #batch: ConflatedBatch
  /** The items that were left over for some cohort: the next batch needs them. */
  readonly #carried = new CarriedEvents()
  /** The audiences that still had events to get of an item that was forgotten. */
  readonly #missing = new Set<ConflatedAudience>()
  #isDelivering = false
  /** The number of the interval under way. */
  #number = 0

  constructor(options: ConflationIntervalOptions) {
    this.#options = options
    const { isFiltered } = this
    this.#events = isFiltered ? new MatchingEvents() : new ItemVersions()
    this.#endedEvents = isFiltered ? new MatchingEvents() : new ItemVersions()
    this.#batch = isFiltered ? new ConflatedBatch(new Map()) : new ConflatedBatch()
  }

  /** What all its events have to pass. */
  get filter(): ActiveFilter | undefined {
    return this.#options.filter
  }

  get isFiltered(): boolean {
    return this.filter !== undefined
  }

  get audienceCount(): number {
    return this.#audiences.size
  }

  /** Whether some subscribers still have to get the last batch. */
  get isDelivering(): boolean {
    return this.#isDelivering
  }

  /**
   * Whether the interval should end early: too many subscribers have joined in it, each at a moment of its
   * own.
   */
  get isFull(): boolean {
    return this.#events.isFull && !this.#isDelivering
  }

  /** The bytes of events that it keeps because of its filter. */
  get keptBytes(): number {
    return this.#events.keptBytes + this.#endedEvents.keptBytes
  }

  /** Counts an event of an item; it is the event of this index in the batch. */
  mark(itemNumber: number, batch: EventBatch, index: number): void {
    this.#events.mark(itemNumber, batch, index)
  }

  /** Whether any subscriber still has to get an event of the item. */
  isUndelivered(item: Item): boolean {
    const { number } = item
    const isHere =
      this.#events.of(number) > 0 || this.#carried.has(number) || this.#batch.indexOf(number) >= 0
    return isHere && this.selects(item)
  }

  /** Whether any subscriber selects an item. */
  selects({ channel, symbol }: Item): boolean {
    return this.subscriberCounts.selects(channel, symbol)
  }

  /** Forgets an item. `dismiss` then makes the subscribers leave that still had events of it to get. */
  forget(item: Item): void {
    const { number } = item
    if (this.isUndelivered(item))
      for (const audience of this.#audiences.values()) if (audience.selects(item)) this.#missing.add(audience)
    this.#events.forget(number)
    this.#endedEvents.forget(number)
    this.#carried.delete(number)
  }

  /** Makes the subscribers leave that cannot get everything any more. */
  dismiss(): void {
    if (this.#missing.size === 0) return
    const audiences = [...this.#missing]
    this.#missing.clear()
    for (const { cohorts } of audiences)
      for (const { members } of cohorts) for (const { subscriber } of members) subscriber.miss()
  }

  /** Makes a subscriber a member, which gets everything from now on. */
  join({ subscriber, selection, form, undelivered = [] }: MembershipRequest): ConflatedMembership {
    const key = `${form.name} ${selection.key}`
    const audience = this.#audiences.get(key) ?? this.#open(key, selection, form)
    audience.size++
    return new ConflatedMembership({
      subscriber,
      cohort: this.#cohortOf(audience, this.#take(undelivered, audience)),
      undelivered: member => this.#undelivered(member, audience),
      onLeft: member => this.#release(member, audience),
    })
  }

  /** Ends the interval: copies what changed in it into the batch, for `deliver`. The next interval begins. */
  end(): void {
    const { items, progress } = this.#options
    const batch = this.#batch
    // Leftovers go by item numbers, which other items may have by now.
    this.dismiss()
    this.#isDelivering = true
    this.#number++
    batch.positions = [...progress.reached]
    const ended = this.#events
    for (let index = 0; index < ended.changed.count; index++) {
      const item = items.at(ended.changed.at(index))
      if (item === undefined || ended.of(item.number) === 0) continue
      const newest = ended.newestOf(item)
      if (newest !== undefined && this.selects(item)) batch.add(item, newest)
    }
    this.#carried.moveTo(batch, ended, number => items.at(number))
    this.#events = this.#endedEvents
    this.#endedEvents = ended
  }

  /**
   * Delivers the batch to everyone, as far as the budget allows, and further with each step of the generator,
   * for which the budget must be renewed. However late it is delivered, it has the state at the end of the
   * interval.
   */
  *deliver(budget: WorkBudget): Generator<void, void> {
    try {
      for (const audience of this.#audiences.values()) {
        for (const cohort of audience.cohorts)
          if (cohort.joined.interval < this.#number) yield* this.#deliverTo(audience, cohort, budget)
        audience.mergeCohorts(this.#number)
      }
    } finally {
      this.#batch.clear()
      this.#endedEvents.clear()
      this.#isDelivering = false
    }
  }

  *#deliverTo(audience: ConflatedAudience, cohort: Cohort, budget: WorkBudget): Generator<void, void> {
    const interval = this.#number
    const batch = this.#batch
    const built = audience.build(cohort, batch, number => this.#endedCount(cohort, number))
    const delivered: Delivered = { positions: batch.positions, isComplete: cohort.leftovers.size === 0 }
    for (const number of cohort.leftovers.keys())
      if (!this.#carried.has(number)) this.#carry(number, batch.eventOf(number))
    const steps = 1 + Math.min(audience.nameCount, batch.count) + built.events
    budget.left -= steps / stepsPerWrite
    let receivers = 0
    for (const member of cohort.members) {
      if (built.frames.length > 0) budget.left--
      if (built.frames.length === 0 || member.subscriber.offer(built.frames)) {
        member.settle(delivered, interval)
        receivers++
      } else {
        member.leave()
      }
      if (budget.left <= 0) yield
    }
    cohort.delivered = delivered
    this.#options.onDelivered(built, receivers)
  }

  #open(key: string, selection: Selection, form: WireForm): ConflatedAudience {
    const { items, maxIntervalBytes } = this.#options
    const audience = new ConflatedAudience({ key, selection, form, items, maxIntervalBytes })
    this.#audiences.set(key, audience)
    this.subscriberCounts.add(selection)
    this.#options.onOpened(selection)
    return audience
  }

  /** The cohort for a new member. Members that join without an event between them share one. */
  #cohortOf(audience: ConflatedAudience, leftovers: ItemCounts): Cohort {
    const joined = { interval: this.#number, moment: this.#events.now() }
    const { newest } = audience
    const isSameMoment = newest?.joined.interval === joined.interval && newest.joined.moment === joined.moment
    if (newest !== undefined && isSameMoment && leftovers.size === 0) return newest
    const delivered = { positions: [...this.#options.progress.reached], isComplete: leftovers.size === 0 }
    const cohort: Cohort = { members: new Set(), joined, delivered, leftovers }
    audience.cohorts.add(cohort)
    if (leftovers.size === 0) audience.newest = cohort
    return cohort
  }

  /** Takes over what a new member still has to get of the audience's items. */
  #take(undelivered: readonly Undelivered[], audience: ConflatedAudience): ItemCounts {
    const taken = new Map<number, number>()
    for (const { filterKey, counts, newestOf } of undelivered) {
      if (filterKey !== this.filter?.key) continue
      for (const [number, count] of counts) {
        const item = this.#options.items.at(number)
        if (item === undefined || !audience.selects(item)) continue
        taken.set(number, (taken.get(number) ?? 0) + count)
        const newest = newestOf(item)
        // What is kept here may be older: it was not kept while nobody here selected the item.
        this.#carry(number, newest)
        if (newest !== undefined) this.#events.renew(item, newest)
      }
    }
    return taken.size === 0 ? noEvents : taken
  }

  #carry(number: number, event: Buffer | undefined): void {
    this.#carried.set(number, this.isFiltered ? event : undefined)
  }

  /** The newest event of an item that any member still has to get. */
  #newestOf(item: Item): Buffer | undefined {
    const { number } = item
    return this.#events.newestOf(item) ?? this.#carried.get(number) ?? this.#batch.eventOf(number)
  }

  /**
   * A member's leftovers, its part of the batch unless it got that, and its part of the interval under way.
   */
  #undelivered(member: ConflatedMembership, audience: ConflatedAudience): Undelivered {
    const { cohort, leftovers, deliveredInterval } = member
    const { interval, moment } = cohort.joined
    const counts = new Map(leftovers)
    const add = (number: number, events: number): void => {
      if (events > 0) counts.set(number, (counts.get(number) ?? 0) + events)
    }
    if (this.#isDelivering && deliveredInterval < this.#number)
      audience.visit(this.#batch, index => {
        const number = this.#batch.items[index]?.number ?? 0
        add(number, this.#endedCount(cohort, number))
      })
    const since = interval === this.#number ? moment : 0
    audience.visitChanged(this.#events.changed, number => add(number, this.#events.since(number, since)))
    return { filterKey: this.filter?.key, counts, newestOf: item => this.#newestOf(item) }
  }

  /** How many events of an item a cohort is to get of the interval that ended last. */
  #endedCount({ joined }: Cohort, number: number): number {
    const since = joined.interval === this.#number - 1 ? joined.moment : 0
    return this.#endedEvents.since(number, since)
  }

  #release({ cohort }: ConflatedMembership, audience: ConflatedAudience): void {
    if (cohort.members.size === 0) {
      audience.cohorts.delete(cohort)
      if (audience.newest === cohort) audience.newest = undefined
    }
    if (--audience.size > 0) return
    this.#audiences.delete(audience.key)
    this.#missing.delete(audience)
    this.subscriberCounts.remove(audience.selection)
    this.#options.onReleased(audience.selection)
    if (this.#audiences.size === 0) this.#options.onEmpty()
  }
}
