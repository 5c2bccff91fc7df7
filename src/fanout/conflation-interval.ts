import type { Item } from '../tape/item.ts'
import type { Items } from '../tape/items.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { Progress } from './audience.ts'
import { ConflatedAudience, nothing, type Telling } from './conflated-audience.ts'
import { Demand } from './demand.ts'
import { type Interest, keyOf } from './interest.ts'
import { NumberList } from './number-list.ts'
import { type Cohort, type ConflatedSubscriber, type ItemEvents, Seat, type Told } from './seat.ts'
import { grown, Tick } from './tick.ts'

/** What may still be done in this turn of the event loop; writing to one subscriber is one. */
export interface Turn {
  left: number
}

/** Who is to be told what. */
export interface ConflatedWish {
  readonly subscriber: ConflatedSubscriber
  readonly interest: Interest
  readonly form: WireForm
  /** What it has not been told of at the seats that it has left for this one (`Seat.untold`); of items that it still wants. */
  readonly untold?: ItemEvents
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

/** A cohort that joined in the interval under way: its events are those in the journal from where it began. */
interface Newcomers {
  readonly audience: ConflatedAudience
  readonly cohort: Cohort
  readonly told: Told
}

/** Those who joined in an interval that was ended. */
interface Ended {
  readonly newcomers: readonly Newcomers[]
  readonly journal: NumberList
}

/** So many items are looked at, or events encoded or counted, at about the cost of one write. */
const stepsPerWrite = 64

/**
 * Everyone who is told at one interval. Events are counted by item, once for all audiences; at the end of the interval what changed
 * is set apart, and everyone is told their part of it while the next interval is being counted.
 */
export class ConflationInterval {
  readonly demand = new Demand()
  readonly #options: ConflationIntervalOptions
  readonly #audiences = new Map<string, ConflatedAudience>()
  /** Of the interval under way: the events by item number, and the items that have any. */
  #counts = new Uint32Array(1024)
  readonly #changed = new NumberList()
  /** The items that were left over for someone: the next tick has to have them. */
  readonly #carried = new Set<number>()
  /** The item of each event since the first of the newcomers came. */
  #journal = new NumberList()
  #newcomers: Newcomers[] = []
  /** The last of them in each audience. */
  readonly #latest = new Map<ConflatedAudience, Newcomers>()
  /** Of the interval that was ended last. */
  readonly #tick = new Tick()
  #ended: Ended = { newcomers: [], journal: this.#journal }
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

  /** Counts an event of an item. */
  mark(itemNumber: number): void {
    if (itemNumber >= this.#counts.length) this.#counts = grown(this.#counts, itemNumber + 1)
    const count = this.#counts[itemNumber] ?? 0
    if (count === 0) this.#changed.push(itemNumber)
    this.#counts[itemNumber] = count + 1
    if (this.#newcomers.length > 0) this.#journal.push(itemNumber)
  }

  /** Gives a subscriber its seat: it is told of everything from now on. */
  join({ subscriber, interest, form, untold = nothing }: ConflatedWish): Seat {
    const key = `${form.subprotocol} ${keyOf(interest)}`
    const audience = this.#audiences.get(key) ?? this.#open(key, interest, form)
    const { cohort, told } = this.#newcomersOf(audience, this.#wanted(untold, audience))
    audience.size++
    return new Seat({
      subscriber,
      cohort,
      told,
      untold: seat => this.#untold(seat, audience),
      onLeft: () => this.#release(audience),
    })
  }

  /** Ends the interval: sets apart what changed in it, for `tell`. The next one begins. */
  freeze(): void {
    const { items, progress } = this.#options
    const tick = this.#tick
    this.#isTelling = true
    this.#number++
    tick.positions = [...progress.reached]
    for (let at = 0; at < this.#changed.count; at++) {
      const number = this.#changed.at(at)
      const item = items.at(number)
      if (item !== undefined && this.demand.wants(item.channel, item.symbol)) {
        tick.add(item, this.#counts[number] ?? 0)
      }
      this.#counts[number] = 0
    }
    for (const number of this.#carried) {
      const item = items.at(number)
      if (item !== undefined && tick.indexOf(number) < 0) tick.add(item, 0)
    }
    this.#changed.clear()
    this.#carried.clear()
    this.#ended = { newcomers: this.#newcomers, journal: this.#journal }
    if (this.#newcomers.length > 0) this.#journal = new NumberList()
    this.#newcomers = []
    this.#latest.clear()
  }

  /**
   * Tells everyone of the interval that was ended: as far as the turn goes, then further with each step, whose turn has to be a
   * new one. What is told is what was at the end of the interval, whenever it is told.
   */
  *tell(turn: Turn): Generator<void, void> {
    try {
      for (const audience of this.#audiences.values()) {
        for (const cohort of audience.cohorts) {
          if (!cohort.isNew) yield* this.#tell({ audience, cohort, events: this.#tick.events }, turn)
        }
        audience.settle()
      }
      yield* this.#tellNewcomers(this.#ended, turn)
    } finally {
      this.#tick.clear()
      this.#isTelling = false
    }
  }

  /** The last ones first, so that the journal is gone through once for all of them. */
  *#tellNewcomers({ newcomers, journal }: Ended, turn: Turn): Generator<void, void> {
    const events = new Uint32Array(newcomers.length === 0 ? 0 : this.#tick.count)
    let at = journal.count
    for (const { audience, cohort } of newcomers.toReversed()) {
      const { begin } = cohort.since
      turn.left -= (at - begin) / stepsPerWrite
      while (at > begin) {
        const index = this.#tick.indexOf(journal.at(--at))
        if (index >= 0) events[index] = (events[index] ?? 0) + 1
      }
      yield* this.#tell({ audience, cohort, events }, turn)
      cohort.isNew = false
    }
    for (const { audience } of newcomers) audience.settle()
  }

  *#tell({ audience, cohort, events }: Address, turn: Turn): Generator<void, void> {
    if (cohort.seats.size === 0) return
    const interval = this.#number
    cohort.built = { interval, leftovers: cohort.leftovers }
    const telling = audience.build(cohort, this.#tick, events)
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
    this.#options.onTold(telling, takers)
  }

  #open(key: string, interest: Interest, form: WireForm): ConflatedAudience {
    const { items, maxTickBytes } = this.#options
    const audience = new ConflatedAudience({ key, interest, form, items, maxTickBytes })
    this.#audiences.set(key, audience)
    this.demand.add(interest)
    return audience
  }

  /** Those who join without an event between them are one cohort. */
  #newcomersOf(audience: ConflatedAudience, leftovers: ItemEvents): Newcomers {
    const [interval, begin] = [this.#number, this.#journal.count]
    const known = this.#latest.get(audience)
    if (known?.cohort.since.begin === begin && leftovers.size === 0) return known
    const cohort: Cohort = {
      seats: new Set(),
      isNew: true,
      since: { interval, begin },
      leftovers,
      built: { interval, leftovers },
    }
    audience.cohorts.push(cohort)
    for (const number of leftovers.keys()) this.#carried.add(number)
    const told = { positions: [...this.#options.progress.reached], isWhole: leftovers.size === 0 }
    const newcomers = { audience, cohort, told }
    this.#newcomers.push(newcomers)
    if (leftovers.size === 0) this.#latest.set(audience, newcomers)
    return newcomers
  }

  #wanted(untold: ItemEvents, audience: ConflatedAudience): ItemEvents {
    if (untold.size === 0) return nothing
    const { items } = this.#options
    return new Map([...untold].filter(([number]) => isWanted(items.at(number), audience)))
  }

  /** What a subscriber has not been told of the interval that is being told, and of the one under way. */
  #untold(seat: Seat, audience: ConflatedAudience): ItemEvents {
    const { cohort } = seat
    const { since, built } = cohort
    const lacksLast = this.#isTelling && seat.toldInterval < this.#number
    const isBuilt = lacksLast && built.interval === this.#number
    const untold = new Map(isBuilt ? built.leftovers : cohort.leftovers)
    const add = (number: number, events: number): void => {
      if (events > 0 && isWanted(this.#options.items.at(number), audience))
        untold.set(number, (untold.get(number) ?? 0) + events)
    }
    const addJournal = (journal: NumberList): void => {
      for (let at = since.begin; at < journal.count; at++) add(journal.at(at), 1)
    }
    if (lacksLast && cohort.isNew) addJournal(this.#ended.journal)
    else if (lacksLast)
      for (const [at, { number }] of this.#tick.items.entries()) add(number, this.#tick.events[at] ?? 0)
    if (since.interval === this.#number) {
      addJournal(this.#journal)
    } else {
      for (let at = 0; at < this.#changed.count; at++) {
        const number = this.#changed.at(at)
        add(number, this.#counts[number] ?? 0)
      }
    }
    return untold
  }

  #release(audience: ConflatedAudience): void {
    if (--audience.size > 0) return
    this.#audiences.delete(audience.key)
    this.#latest.delete(audience)
    this.demand.remove(audience.interest)
    if (this.#audiences.size === 0) this.#options.onEmpty()
  }
}

function isWanted(item: Item | undefined, audience: ConflatedAudience): boolean {
  return item !== undefined && audience.wants(item)
}

/** Whom to tell, and how many events of each item of the tick they have not been told. */
interface Address {
  readonly audience: ConflatedAudience
  readonly cohort: Cohort
  readonly events: Uint32Array
}
