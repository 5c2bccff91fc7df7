import { type Channel, channelOfType, type MarketEvent } from '../../event/event.ts'
import { PayloadMemory } from '../../wire/payload-memory.ts'
import type { DeflateCounts } from '../../wire/payload.ts'
import type { EventEncoder, WireForm } from '../../wire/wire-form.ts'
import type { ActiveFilter } from '../active-filters.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import type { Selection } from '../selection.ts'
import { Audience, type AudienceContext, type Progress, type Subscriber } from './audience.ts'
import { EncodersInUse } from './encoders-in-use.ts'
import { PendingEvents } from './pending-events.ts'
import { createRoutes, type FilteredAudiences, isLed, type Routes } from './routes.ts'

export interface FanOutCounts {
  /** Events put into frames: one event in the frames of one audience is one. */
  events: number
  /** Events delivered: one event to one subscriber is one. */
  deliveries: number
  /** Bytes of payloads handed to transports, before compression. */
  bytes: number
  /** Flushes of an audience. */
  flushes: number
}

type VisitRoute = (routes: Routes, name: string, filter: ActiveFilter | undefined) => void

/**
 * The frames of so many audiences are built, then written. The memory that building takes stays in the
 * processor's caches, which the kernel needs for itself, and clients on the same machine do not fall asleep
 * between two frames (docs/performance.md).
 */
const builtTogether = 32
/** No more bytes than these are built at once. */
const bytesBuiltTogether = 131_072

/**
 * Live delivery: from the items of an event to their audiences, each of which gets one sequence of shared
 * frames.
 */
export class FanOut {
  readonly counts: FanOutCounts = { events: 0, deliveries: 0, bytes: 0, flushes: 0 }
  /** Bytes of payloads that were compressed for several subscribers, before and after. */
  readonly deflated: DeflateCounts = { plain: 0, compressed: 0 }
  readonly #items: Items
  readonly #audiences = new Map<string, Audience>()
  readonly #routes = createRoutes()
  readonly #memory = new PayloadMemory()
  readonly #pending = new PendingEvents()
  readonly #context: AudienceContext
  readonly #encoders = new EncodersInUse()
  /** The first audience with pending events; the others are linked by `nextPending`. */
  #firstPending: Audience | undefined
  #filteredAudiences = 0

  constructor(items: Items, progress: Progress) {
    this.#items = items
    this.#context = { progress, pending: this.#pending, memory: this.#memory, deflated: this.deflated }
  }

  /** The encoders of the wire forms that have audiences. */
  get encoders(): readonly EventEncoder[] {
    return this.#encoders.list
  }

  get audienceCount(): number {
    return this.#audiences.size
  }

  /** The number of different names that subscribers selected; `'*'` is one name per channel. */
  get subscribedItems(): number {
    let count = 0
    for (const [channel, routes] of this.#routes) {
      count += routes.nameCount
      for (const name of routes.leader?.names() ?? [])
        if (!routes.has(name) && this.has(channel, name)) count++
    }
    return count
  }

  /** Whether a subscriber selected this very name; `'*'` is one. */
  has(channel: Channel, name: string): boolean {
    const routes = this.#routes.get(channel)
    if (routes === undefined) return false
    if (routes.has(name)) return true
    if (routes.leader === undefined) return false
    for (const { selection } of routes.leader.plain(name)) if (isLed(selection, channel)) return true
    return false
  }

  /** Adds a subscriber to the audience of a selection, from the next event on. */
  join(subscriber: Subscriber, selection: Selection, form: WireForm): Audience {
    const key = `${form.name} ${selection.key}`
    const audience = this.#audiences.get(key) ?? this.#open(key, selection, form)
    audience.add(subscriber)
    return audience
  }

  /** Removes a subscriber. An audience ends with its last subscriber. */
  leave(subscriber: Subscriber, audience: Audience): void {
    audience.remove(subscriber)
    if (audience.size > 0 || this.#audiences.get(audience.key) !== audience) return
    this.#audiences.delete(audience.key)
    if (audience.selection.isFiltered) this.#filteredAudiences--
    if (!audience.selection.isWhollyFiltered) this.#encoders.close(audience.form)
    this.#eachRoute(audience, (routes, name, filter) => routes.remove(name, audience, filter))
  }

  /** Adds an event of the batch to the audiences that select one of its items. */
  mark(batch: EventBatch, index: number, event: MarketEvent): void {
    this.#markItem(batch.items[index] ?? 0, index)
    const others = batch.others.get(index)
    if (others !== undefined) for (const item of others) this.#markItem(item.number, index)
    if (this.#filteredAudiences > 0) this.#markFiltered(batch, index, event)
  }

  /** Writes all pending events, one sequence of frames per audience. */
  flush(batch: EventBatch): void {
    let audience = this.#firstPending
    this.#firstPending = undefined
    while (audience !== undefined) audience = this.#flushSome(audience, batch)
    this.#pending.clear()
  }

  /** Writes to some audiences, and returns the next one. */
  #flushSome(first: Audience, batch: EventBatch): Audience | undefined {
    let end: Audience | undefined = first
    for (let built = 0; end !== undefined && built < builtTogether; built++) {
      end.build(batch)
      end = end.nextPending
      if (this.#memory.allocated >= bytesBuiltTogether) break
    }
    let next: Audience | undefined = first
    while (next !== undefined && next !== end) next = this.#send(next, batch)
    this.#memory.reuse()
    return end
  }

  /** Writes to an audience, and returns the next one. */
  #send(audience: Audience, batch: EventBatch): Audience | undefined {
    const next = audience.nextPending
    audience.nextPending = undefined
    this.counts.flushes++
    this.counts.events += audience.count
    this.counts.deliveries += audience.count * audience.size
    this.counts.bytes += audience.send(batch)
    return next
  }

  #open(key: string, selection: Selection, form: WireForm): Audience {
    const audience = new Audience({ key, selection, form }, this.#context)
    this.#audiences.set(key, audience)
    if (selection.isFiltered) this.#filteredAudiences++
    // Events that pass a filter are encoded when an audience needs them.
    if (!selection.isWhollyFiltered) this.#encoders.open(form)
    this.#eachRoute(audience, (routes, name, filter) => routes.add(name, audience, filter))
    return audience
  }

  #markItem(number: number, index: number): void {
    const item = this.#items.at(number)
    const routes = item && this.#routes.get(item.channel)
    if (item === undefined || routes === undefined) return
    const named = routes.bySymbol.get(item.symbol)
    if (named !== undefined) for (const audience of named) this.#markAudience(audience, index)
    for (const audience of routes.wildcards) this.#markAudience(audience, index)
    if (routes.leader !== undefined) this.#markLed(routes.leader, item, index)
  }

  /** Corrections and cancels are rare, so that finding their audiences may take longer. */
  #markLed(leader: Routes, { channel, symbol }: Pick<Item, 'channel' | 'symbol'>, index: number): void {
    for (const name of [symbol, '*'])
      for (const audience of leader.plain(name))
        if (isLed(audience.selection, channel)) this.#markAudience(audience, index)
  }

  /** An event that does not pass a filter costs nothing for each audience that has it. */
  #markFiltered(batch: EventBatch, index: number, event: MarketEvent): void {
    const routes = this.#routes.get(channelOfType[event.T])
    if (routes?.isFiltered !== true) return
    const first = this.#items.at(batch.items[index] ?? 0)
    this.#markAccepting(routes.filtered('*'), index, event)
    if (first !== undefined) this.#markAccepting(routes.filtered(first.symbol), index, event)
    const others = batch.others.get(index)
    if (others === undefined) return
    for (const { symbol } of others) this.#markAccepting(routes.filtered(symbol), index, event)
  }

  #markAccepting(groups: readonly FilteredAudiences[], index: number, event: MarketEvent): void {
    for (const { filter, audiences } of groups)
      if (filter.accepts(event)) for (const audience of audiences) this.#markAudience(audience, index)
  }

  #markAudience(audience: Audience, index: number): void {
    if (!audience.mark(index)) return
    audience.nextPending = this.#firstPending
    this.#firstPending = audience
  }

  #eachRoute({ selection }: Audience, visit: VisitRoute): void {
    for (const [channel, symbols] of selection.symbols) {
      const routes = this.#routes.get(channel)
      if (routes === undefined || (routes.leader !== undefined && isLed(selection, channel))) continue
      const filter = selection.filterOf(channel)
      for (const name of symbols) visit(routes, name, filter)
    }
  }
}
