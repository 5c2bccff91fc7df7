import type { Channel } from '../../event/event.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import { sendEvents, type WireForm } from '../../wire/wire-form.ts'
import { type Selection, wants } from '../selection.ts'
import { NumberList } from '../number-list.ts'
import type { Cohort, ItemCounts } from './conflated-membership.ts'
import type { ConflatedBatch } from './conflated-batch.ts'

/** What a cohort is told with a tick. */
export interface Telling {
  readonly blocks: readonly PreparedFrame[]
  readonly events: number
  /** How many further events those stand for, by channel. */
  readonly replaced: ReadonlyMap<Channel, number>
}

export interface ConflatedAudienceOptions {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
  readonly items: Items
  /** What one tick writes at most, unless one event alone is larger. */
  readonly maxTickBytes: number
}

/** An item of a tick, with its events. */
interface Taking {
  readonly index: number
  readonly events: number
}

/** What most cohorts leave over. */
export const nothing: ItemCounts = new Map()
const silence: Telling = { blocks: [], events: 0, replaced: new Map() }
/** A separator, the name of the field and ten digits. */
const mostReplacesBytes = 32
/** The events of the telling that is being made. */
const marks = new NumberList()
/** What does not fit into it. */
const left = new Map<number, number>()

/** The subscribers that are told the same items at the same interval: what they have in common is built once. */
export class ConflatedAudience {
  readonly key: string
  readonly selection: Selection
  /** How many names are wanted; a whole channel is more than any number of them. */
  readonly nameCount: number
  /** How many subscribers there are. */
  size = 0
  /** One as a rule; who joins in the middle of an interval is told its part of it alone. */
  cohorts = new Set<Cohort>()
  readonly #form: WireForm
  readonly #items: Items
  readonly #maxTickBytes: number
  #bytes = 0

  constructor({ key, selection, form, items, maxTickBytes }: ConflatedAudienceOptions) {
    this.key = key
    this.selection = selection
    this.nameCount = [...selection.values()].reduce(
      (sum, symbols) => sum + (symbols === '*' ? Infinity : symbols.size),
      0,
    )
    this.#form = form
    this.#items = items
    this.#maxTickBytes = maxTickBytes
  }

  /** Builds what a cohort is told with a tick, which holds so many `events` of an item for it; what does not fit is left over. */
  build(cohort: Cohort, tick: ConflatedBatch, events: (itemNumber: number) => number): Telling {
    const former = cohort.leftovers
    for (const [number, count] of former)
      this.#take(tick, { index: tick.indexOf(number), events: count + events(number) })
    this.visit(tick, index => {
      const number = tick.items[index]?.number ?? 0
      if (!former.has(number)) this.#take(tick, { index, events: events(number) })
    })
    const telling = marks.count === 0 ? silence : this.#encode(tick)
    marks.clear()
    this.#bytes = 0
    cohort.leftovers = left.size === 0 ? nothing : new Map(left)
    left.clear()
    return telling
  }

  /** Whether an item is wanted. */
  wants({ channel, symbol }: Item): boolean {
    return wants(this.selection, channel, symbol)
  }

  /** Puts together those that have been told the same by now. */
  settle(): void {
    let first: Cohort | undefined
    for (const cohort of this.cohorts) {
      // Others may still join those that are new.
      if (cohort.isNew) continue
      if (cohort.leftovers.size === 0 && cohort.seats.size > 0) {
        if (first !== undefined) for (const seat of cohort.seats) seat.move(first)
        first ??= cohort
      }
      if (cohort.seats.size === 0) this.cohorts.delete(cohort)
    }
  }

  /** Visits what of a tick is wanted, by whichever is less: what changed, or what is wanted. */
  visit(tick: ConflatedBatch, each: (index: number) => void): void {
    for (const [channel, symbols] of this.selection) {
      if (symbols === '*' || symbols.size > tick.count) {
        for (let index = 0; index < tick.count; index++) {
          const item = tick.items[index]
          if (item?.channel === channel && this.wants(item)) each(index)
        }
      } else {
        this.#visitNamed(channel, symbols, item => {
          const index = tick.indexOf(item.number)
          if (index >= 0) each(index)
        })
      }
    }
  }

  /** The same for a list of items, by their numbers; of those that are wanted by name it may visit more. */
  visitChanged(changed: NumberList, each: (itemNumber: number) => void): void {
    for (const [channel, symbols] of this.selection) {
      if (symbols === '*' || symbols.size > changed.count) {
        for (let at = 0; at < changed.count; at++) {
          const item = this.#items.at(changed.at(at))
          if (item?.channel === channel && this.wants(item)) each(item.number)
        }
      } else {
        this.#visitNamed(channel, symbols, item => each(item.number))
      }
    }
  }

  #visitNamed(channel: Channel, symbols: Iterable<string>, each: (item: Item) => void): void {
    for (const symbol of symbols) {
      const item = this.#items.find(channel, symbol)
      if (item !== undefined) each(item)
    }
  }

  #take(tick: ConflatedBatch, { index, events }: Taking): void {
    const item = tick.items[index]
    if (events === 0 || item === undefined) return
    const bytes = tick.end(index) - tick.start(index) + mostReplacesBytes
    if (marks.count > 0 && this.#bytes + bytes > this.#maxTickBytes) {
      left.set(item.number, events)
      return
    }
    this.#bytes += bytes
    tick.replaced[index] = events - 1
    marks.push(index)
  }

  #encode(tick: ConflatedBatch): Telling {
    const replaced = new Map<Channel, number>()
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.at(mark)
      const { channel } = tick.items[index] ?? {}
      if (channel !== undefined)
        replaced.set(channel, (replaced.get(channel) ?? 0) + (tick.replaced[index] ?? 0))
    }
    marks.sort()
    const blocks: PreparedFrame[] = []
    sendEvents(this.#form, { segment: tick, marks }, block => blocks.push(block))
    return { blocks, events: marks.count, replaced }
  }
}
