import type { WireForm } from '../../wire/wire-form.ts'
import type { Progress } from '../fan-out/audience.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import { type Selection, SubscriberCounts, selectionKey } from '../selection.ts'
import { ConflatedAudience, type Telling, nothing } from './conflated-audience.ts'
import { ConflatedBatch } from './conflated-batch.ts'
import {
  type Cohort,
  ConflatedMembership,
  type ConflatedSubscriber,
  type ItemCounts,
  type Told,
} from './conflated-membership.ts'
import { EventCounts } from './event-counts.ts'

/** What may still be done in this turn of the event loop; writing to one subscriber is one. */
export interface Turn {
  left: number
}

/** Who is to be told what. */
export interface MembershipRequest {
  readonly subscriber: ConflatedSubscriber
  readonly selection: Selection
  readonly form: WireForm
  /** What it has not been told of at the seats that it has left for this one (`ConflatedMembership.undelivered`); of items that it still wants. */
  readonly undelivered?: ItemCounts
}

export interface ConflationIntervalOptions {
  readonly items: Items
  readonly progress: Pick<Progress, 'reached'>
  readonly maxTickBytes: number
  /** Told what one telling came to, and how many took it. */
  readonly onTold: (telling: Telling, takers: number) => void
  /** Told when the last subscriber has left. */
  readonly onEmpty: () => void
}

/** A cohort that joined in the interval under way. */
interface Newcomers {
  readonly cohort: Cohort
  readonly told: Told
}

/** So many items are looked at, or events encoded, at about the cost of one write. */
const stepsPerWrite = 64

/**
 * Everyone who is told at one interval. Events are counted by item, once for all audiences; at the end of the interval what changed
 * is set apart, and everyone is told their part of it while the next interval is being counted.
 */
export class ConflationInterval {
  readonly demand = new SubscriberCounts()
  readonly #options: ConflationIntervalOptions
  readonly #audiences = new Map<string, ConflatedAudience>()
  /** Of the interval under way. */
  #counts = new EventCounts()
  /** Of the interval that was ended last, until everyone was told. */
  #ended = new EventCounts()
  /** The items that were left over for someone: the next tick has to have them. */
  readonly #carried = new Set<number>()
  /** The cohort of those who joined last in each audience. */
  readonly #latest = new Map<ConflatedAudience, Newcomers>()
  /** Those who were still to be told of an item that is forgotten. */
  readonly #missing = new Set<ConflatedAudience>()
  /** Of the interval that was ended last. */
  readonly #tick = new ConflatedBatch()
  #isTelling = false
  /** The number of the interval under way. */
  #number = 0

  constructor(options: ConflationIntervalOptions) {
    this.#options = options
  }

  get audienceCount(): number {
    return this.#audiences.size
  }

  /** Whether some have still to be told of the last tick. */
  get isTelling(): boolean {
    return this.#isTelling
  }

  /** Whether it should be ended now: very many have joined in it, each at a moment of its own. */
  get isFull(): boolean {
    return this.#counts.isFull && !this.#isTelling
  }

  /** Counts an event of an item. */
  mark(itemNumber: number): void {
    this.#counts.mark(itemNumber)
  }

  /** Whether anyone has still to be told of an event of an item. */
  isUndelivered({ number, channel, symbol }: Item): boolean {
    const isHere = this.#counts.of(number) > 0 || this.#carried.has(number) || this.#tick.indexOf(number) >= 0
    return isHere && this.demand.wants(channel, symbol)
  }

  /** An item is forgotten. Those who were still to be told of it leave with `dismiss`. */
  forget(item: Item): void {
    const { number } = item
    if (this.isUndelivered(item))
      for (const audience of this.#audiences.values()) if (audience.wants(item)) this.#missing.add(audience)
    this.#counts.forget(number)
    this.#ended.forget(number)
    this.#carried.delete(number)
  }

  /** Lets those leave who cannot be told of everything. */
  dismiss(): void {
    if (this.#missing.size === 0) return
    const audiences = [...this.#missing]
    this.#missing.clear()
    for (const { cohorts } of audiences)
      for (const { seats } of cohorts) for (const { subscriber } of seats) subscriber.miss()
  }

  /** Gives a subscriber its seat: it is told of everything from now on. */
  join({ subscriber, selection, form, undelivered = nothing }: MembershipRequest): ConflatedMembership {
    const key = `${form.subprotocol} ${selectionKey(selection)}`
    const audience = this.#audiences.get(key) ?? this.#open(key, selection, form)
    const { cohort, told } = this.#newcomersOf(audience, this.#wanted(undelivered, audience))
    audience.size++
    return new ConflatedMembership({
      subscriber,
      cohort,
      told,
      undelivered: seat => this.#undelivered(seat, audience),
      onLeft: seat => this.#release(seat, audience),
    })
  }

  /** Ends the interval: sets apart what changed in it, for `tell`. The next one begins. */
  freeze(): void {
    const { items, progress } = this.#options
    const tick = this.#tick
    // What is left over for them goes by numbers that other items may have by now.
    this.dismiss()
    this.#isTelling = true
    this.#number++
    tick.positions = [...progress.reached]
    const counts = this.#counts
    const { changed } = counts
    for (let at = 0; at < changed.count; at++) {
      const item = items.at(changed.at(at))
      if (item !== undefined && counts.of(item.number) > 0 && this.demand.wants(item.channel, item.symbol))
        tick.add(item)
    }
    for (const number of this.#carried) {
      const item = items.at(number)
      if (item !== undefined && tick.indexOf(number) < 0) tick.add(item)
    }
    this.#carried.clear()
    this.#counts = this.#ended
    this.#ended = counts
    this.#latest.clear()
  }

  /**
   * Tells everyone of the interval that was ended: as far as the turn goes, then further with each step, whose turn has to be a
   * new one. What is told is what was at the end of the interval, whenever it is told.
   */
  *tell(turn: Turn): Generator<void, void> {
    try {
      for (const audience of this.#audiences.values()) {
        for (const cohort of audience.cohorts)
          if (cohort.since.interval < this.#number) yield* this.#tell(audience, cohort, turn)
        audience.settle()
      }
    } finally {
      this.#tick.clear()
      this.#ended.clear()
      this.#isTelling = false
    }
  }

  *#tell(audience: ConflatedAudience, cohort: Cohort, turn: Turn): Generator<void, void> {
    if (cohort.seats.size === 0) return
    const interval = this.#number
    cohort.built = { interval, leftovers: cohort.leftovers }
    const telling = audience.build(cohort, this.#tick, number => this.#endedOf(cohort, number))
    const told: Told = { positions: this.#tick.positions, isWhole: cohort.leftovers.size === 0 }
    for (const number of cohort.leftovers.keys()) this.#carried.add(number)
    const steps = 1 + Math.min(audience.nameCount, this.#tick.count) + telling.events
    turn.left -= steps / stepsPerWrite
    let takers = 0
    for (const seat of cohort.seats) {
      if (telling.blocks.length > 0) turn.left--
      if (telling.blocks.length === 0 || seat.subscriber.offer(telling.blocks)) {
        seat.settle(told, interval)
        takers++
      } else {
        seat.leave()
      }
      if (turn.left <= 0) yield
    }
    cohort.isNew = false
    this.#options.onTold(telling, takers)
  }

  #open(key: string, selection: Selection, form: WireForm): ConflatedAudience {
    const { items, maxTickBytes } = this.#options
    const audience = new ConflatedAudience({ key, selection, form, items, maxTickBytes })
    this.#audiences.set(key, audience)
    this.demand.add(selection)
    return audience
  }

  /** Those who join without an event between them are one cohort. */
  #newcomersOf(audience: ConflatedAudience, leftovers: ItemCounts): Newcomers {
    const [interval, moment] = [this.#number, this.#counts.now()]
    const known = this.#latest.get(audience)
    if (known?.cohort.since.moment === moment && leftovers.size === 0) return known
    const cohort: Cohort = {
      seats: new Set(),
      isNew: true,
      since: { interval, moment },
      leftovers,
      built: { interval, leftovers },
    }
    audience.cohorts.add(cohort)
    for (const number of leftovers.keys()) this.#carried.add(number)
    const told = { positions: [...this.#options.progress.reached], isWhole: leftovers.size === 0 }
    const newcomers = { cohort, told }
    if (leftovers.size === 0) this.#latest.set(audience, newcomers)
    return newcomers
  }

  #wanted(undelivered: ItemCounts, audience: ConflatedAudience): ItemCounts {
    if (undelivered.size === 0) return nothing
    const { items } = this.#options
    return new Map([...undelivered].filter(([number]) => isWanted(items.at(number), audience)))
  }

  /** What a subscriber has not been told of the interval that is being told, and of the one under way. */
  #undelivered(seat: ConflatedMembership, audience: ConflatedAudience): ItemCounts {
    const { cohort } = seat
    const { since, built } = cohort
    const lacksLast = this.#isTelling && seat.toldInterval < this.#number
    const isBuilt = lacksLast && built.interval === this.#number
    const undelivered = new Map(isBuilt ? built.leftovers : cohort.leftovers)
    const add = (number: number, events: number): void => {
      if (events > 0) undelivered.set(number, (undelivered.get(number) ?? 0) + events)
    }
    if (lacksLast)
      audience.visit(this.#tick, index => {
        const number = this.#tick.items[index]?.number ?? 0
        add(number, this.#endedOf(cohort, number))
      })
    const moment = since.interval === this.#number ? since.moment : 0
    audience.visitChanged(this.#counts.changed, number => add(number, this.#counts.since(number, moment)))
    return undelivered
  }

  /** The events of an item, in the interval that was ended last, that a cohort is to be told of. */
  #endedOf({ since }: Cohort, number: number): number {
    const isNewcomer = since.interval === this.#number - 1
    return isNewcomer ? this.#ended.since(number, since.moment) : this.#ended.of(number)
  }

  #release({ cohort }: ConflatedMembership, audience: ConflatedAudience): void {
    if (cohort.isNew && cohort.seats.size === 0) {
      audience.cohorts.delete(cohort)
      if (this.#latest.get(audience)?.cohort === cohort) this.#latest.delete(audience)
    }
    if (--audience.size > 0) return
    this.#audiences.delete(audience.key)
    this.#latest.delete(audience)
    this.#missing.delete(audience)
    this.demand.remove(audience.selection)
    if (this.#audiences.size === 0) this.#options.onEmpty()
  }
}

function isWanted(item: Item | undefined, audience: ConflatedAudience): boolean {
  return item !== undefined && audience.wants(item)
}
