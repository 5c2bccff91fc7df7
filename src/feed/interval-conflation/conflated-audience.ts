import type { Channel } from '../../event/event.ts'
import type { Payload } from '../../wire/payload.ts'
import { sendEvents, type WireForm } from '../../wire/wire-form.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import type { NumberList } from '../number-list.ts'
import type { Selection } from '../selection.ts'
import type { ConflatedBatch } from './conflated-batch.ts'
import { type Cohort, noEvents } from './conflated-membership.ts'

/** A cohort's part of an interval, in frames. */
export interface ConflatedFrames {
  readonly frames: readonly Payload[]
  readonly events: number
  /** By channel: how many earlier events these replace. */
  readonly replaced: ReadonlyMap<Channel, number>
}

export interface ConflatedAudienceOptions {
  readonly key: string
  readonly selection: Selection
  readonly form: WireForm
  readonly items: Items
  /** The most bytes that a member gets of one interval, unless one event alone is larger. */
  readonly maxIntervalBytes: number
}

/** An event of the batch, with how many events of its item it stands for, itself included. */
interface Candidate {
  readonly index: number
  readonly events: number
}

const noFrames: ConflatedFrames = { frames: [], events: 0, replaced: new Map() }
/** A separator, the name of the field and ten digits. */
const maxReplacesBytes = 32

/**
 * The subscribers with the same selection, wire form and interval: their frames are built once for each
 * cohort.
 */
export class ConflatedAudience {
  readonly key: string
  readonly selection: Selection
  /** The number of names selected; infinite for a whole channel. */
  readonly nameCount: number
  /** The number of members. */
  size = 0
  /** One as a rule. Members that join within an interval get their part of it in frames of their own. */
  readonly cohorts = new Set<Cohort>()
  /** The cohort made last, which further members may join. */
  newest: Cohort | undefined
  readonly #form: WireForm
  readonly #items: Items
  readonly #maxIntervalBytes: number
  /** Of the frames that are being built: their bytes, and the events that do not fit. */
  #bytes = 0
  #left: Map<number, number> | undefined

  constructor({ key, selection, form, items, maxIntervalBytes }: ConflatedAudienceOptions) {
    this.key = key
    this.selection = selection
    this.nameCount = [...selection.symbols.values()].reduce(
      (sum, symbols) => sum + (symbols === '*' ? Infinity : symbols.size),
      0,
    )
    this.#form = form
    this.#items = items
    this.#maxIntervalBytes = maxIntervalBytes
  }

  /**
   * Builds a cohort's frames of a batch. `eventsOf`: how many events of an item the batch has for it. What
   * does not fit is left over.
   */
  build(cohort: Cohort, batch: ConflatedBatch, eventsOf: (itemNumber: number) => number): ConflatedFrames {
    const former = cohort.leftovers
    this.#bytes = 0
    this.#left = undefined
    for (const [number, count] of former)
      this.#choose(batch, { index: batch.indexOf(number), events: count + eventsOf(number) })
    this.visit(batch, index => {
      const number = batch.items[index]?.number ?? 0
      if (!former.has(number)) this.#choose(batch, { index, events: eventsOf(number) })
    })
    const frames = batch.chosen.count === 0 ? noFrames : this.#encode(batch)
    batch.chosen.clear()
    cohort.leftovers = this.#left ?? noEvents
    return frames
  }

  /** Whether the audience selects an item. */
  selects({ channel, symbol }: Item): boolean {
    return this.selection.selects(channel, symbol)
  }

  /** Merges the cohorts that have received the same up to the interval under way. */
  mergeCohorts(interval: number): void {
    let first: Cohort | undefined
    for (const cohort of this.cohorts) {
      // Has received nothing yet, and others may still join it.
      if (cohort.joined.interval === interval) continue
      if (cohort.leftovers.size === 0 && cohort.members.size > 0) {
        if (first !== undefined) for (const member of cohort.members) member.move(first)
        first ??= cohort
      }
      if (cohort.members.size === 0) this.cohorts.delete(cohort)
    }
  }

  /**
   * Visits the selected events of a batch. Goes through the batch or through the names, whichever is shorter.
   */
  visit(batch: ConflatedBatch, each: (index: number) => void): void {
    for (const [channel, symbols] of this.selection.symbols) {
      if (symbols === '*' || symbols.size > batch.count) {
        for (let index = 0; index < batch.count; index++) {
          const item = batch.items[index]
          if (item?.channel === channel && this.selects(item)) each(index)
        }
      } else {
        this.#visitNamed(channel, symbols, item => {
          const index = batch.indexOf(item.number)
          if (index >= 0) each(index)
        })
      }
    }
  }

  /**
   * Visits the selected items among those that changed, in the same way; may visit selected items that did
   * not change, too.
   */
  visitChanged(changed: NumberList, each: (itemNumber: number) => void): void {
    for (const [channel, symbols] of this.selection.symbols) {
      if (symbols === '*' || symbols.size > changed.count) {
        for (let index = 0; index < changed.count; index++) {
          const item = this.#items.at(changed.at(index))
          if (item?.channel === channel && this.selects(item)) each(item.number)
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

  #choose(batch: ConflatedBatch, { index, events }: Candidate): void {
    const item = batch.items[index]
    if (events === 0 || item === undefined) return
    const bytes = batch.end(index) - batch.start(index) + maxReplacesBytes
    if (batch.chosen.count > 0 && this.#bytes + bytes > this.#maxIntervalBytes) {
      this.#left ??= new Map()
      this.#left.set(item.number, events)
      return
    }
    this.#bytes += bytes
    batch.replaced[index] = events - 1
    batch.chosen.push(index)
  }

  #encode(batch: ConflatedBatch): ConflatedFrames {
    const { chosen } = batch
    const replaced = new Map<Channel, number>()
    for (let place = 0; place < chosen.count; place++) {
      const index = chosen.at(place)
      const { channel } = batch.items[index] ?? {}
      if (channel !== undefined)
        replaced.set(channel, (replaced.get(channel) ?? 0) + (batch.replaced[index] ?? 0))
    }
    chosen.sort()
    const frames: Payload[] = []
    sendEvents(this.#form, { events: batch, chosen }, frame => frames.push(frame))
    return { frames, events: chosen.count, replaced }
  }
}
