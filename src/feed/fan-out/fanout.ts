import { type Channel, channels } from '../../event/event.ts'
import { FrameMemory, deflateCounts } from '../../wire/prepared-frame.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import { type Selection, followsTrades, selectionKey } from '../selection.ts'
import { Audience, type AudienceParts, type Progress, type Subscriber } from './audience.ts'
import { PendingEvents } from './pending-events.ts'

export interface FanoutCounts {
  /** Events put into frames: one event in the frame of one audience is one. */
  events: number
  /** Events delivered: one event to one subscriber is one. */
  deliveries: number
  /** Bytes handed to sockets, frame headers included. */
  bytes: number
  /** Flushes of an audience. */
  flushes: number
}

/** Who wants an item: the audiences by symbol, and those that take the whole channel. */
interface Routes {
  readonly bySymbol: Map<string, Set<Audience>>
  readonly wildcards: Set<Audience>
  /** Of `corrections` and `cancelErrors`: those of `trades`, where an audience is found that wants the same symbols of both. */
  readonly leader: Routes | undefined
}

/**
 * So many audiences have their frames made, then written: what making takes stays in the processor's caches, which the kernel needs
 * for itself, and clients on the same machine do not fall asleep between two frames (docs/performance.md).
 */
const builtTogether = 32
/** More bytes are not made at once. */
const bytesBuiltTogether = 131_072

/** The live path: an event's item → its audiences → one shared frame each. */
export class Fanout {
  readonly counts: FanoutCounts = { events: 0, deliveries: 0, bytes: 0, flushes: 0 }
  /** Bytes of frames that were compressed, before and after. */
  readonly deflated: { readonly plain: number; readonly compressed: number } = deflateCounts
  readonly #items: Items
  readonly #audiences = new Map<string, Audience>()
  readonly #routes = createRoutes()
  readonly #memory = new FrameMemory()
  readonly #chains = new PendingEvents()
  readonly #parts: AudienceParts
  /** The audiences that the batch under way has marked, linked by `nextMarked`. */
  #marked: Audience | undefined

  constructor(items: Items, progress: Progress) {
    this.#items = items
    this.#parts = { progress, chains: this.#chains, memory: this.#memory }
  }

  get audienceCount(): number {
    return this.#audiences.size
  }

  /** Subscribed names, each (channel, symbol) counted once, wildcards as one. */
  get subscribedItems(): number {
    let count = 0
    for (const [channel, { bySymbol, leader }] of this.#routes) {
      count += bySymbol.size
      for (const name of leader?.bySymbol.keys() ?? [])
        if (!bySymbol.has(name) && this.has(channel, name)) count++
      if (this.has(channel, '*')) count++
    }
    return count
  }

  /** Whether someone is subscribed to this very name; `'*'` is one. */
  has(channel: Channel, name: string): boolean {
    const routes = this.#routes.get(channel)
    if (routes === undefined) return false
    if (named(routes, name).size > 0) return true
    if (routes.leader === undefined) return false
    for (const audience of named(routes.leader, name)) if (isLed(audience, channel)) return true
    return false
  }

  /** Puts a subscriber into the audience of exactly this interest, from the next event on. */
  join(subscriber: Subscriber, selection: Selection, form: WireForm): Audience {
    const key = `${form.subprotocol} ${selectionKey(selection)}`
    const audience = this.#audiences.get(key) ?? this.#open(key, selection, form)
    audience.add(subscriber)
    return audience
  }

  /** Takes a subscriber out; the last one takes the audience with it. */
  leave(subscriber: Subscriber, audience: Audience): void {
    audience.remove(subscriber)
    if (audience.size > 0 || this.#audiences.get(audience.key) !== audience) return
    this.#audiences.delete(audience.key)
    audience.form.closed?.()
    this.#eachRoute(audience, (routes, symbol) => removeRoute(routes, symbol, audience))
  }

  /** Marks an event of the segment for everyone who wants one of its items. */
  mark(segment: EventBatch, index: number): void {
    this.#markItem(segment.items[index] ?? 0, index)
    const others = segment.others.get(index)
    if (others !== undefined) for (const item of others) this.#markItem(item.number, index)
  }

  /** Writes everything marked, one frame sequence per audience. */
  flush(segment: EventBatch): void {
    let audience = this.#marked
    this.#marked = undefined
    while (audience !== undefined) audience = this.#flushSome(audience, segment)
    this.#chains.clear()
  }

  /** Writes to some of the marked audiences; the next one. */
  #flushSome(first: Audience, segment: EventBatch): Audience | undefined {
    let end: Audience | undefined = first
    for (let built = 0; end !== undefined && built < builtTogether; built++) {
      end.build(segment)
      end = end.nextMarked
      if (this.#memory.taken >= bytesBuiltTogether) break
    }
    let next: Audience | undefined = first
    while (next !== undefined && next !== end) next = this.#send(next, segment)
    this.#memory.reuse()
    return end
  }

  /** Writes to one; the next one. */
  #send(audience: Audience, segment: EventBatch): Audience | undefined {
    const next = audience.nextMarked
    audience.nextMarked = undefined
    this.counts.flushes++
    this.counts.events += audience.count
    this.counts.deliveries += audience.count * audience.size
    this.counts.bytes += audience.send(segment)
    return next
  }

  #open(key: string, selection: Selection, form: WireForm): Audience {
    const audience = new Audience({ key, selection, form }, this.#parts)
    this.#audiences.set(key, audience)
    form.opened?.()
    this.#eachRoute(audience, (routes, symbol) => addRoute(routes, symbol, audience))
    return audience
  }

  #markItem(number: number, index: number): void {
    const item = this.#items.at(number)
    const routes = item && this.#routes.get(item.channel)
    if (item === undefined || routes === undefined) return
    const wanted = routes.bySymbol.get(item.symbol)
    if (wanted !== undefined) for (const audience of wanted) this.#markAudience(audience, index)
    for (const audience of routes.wildcards) this.#markAudience(audience, index)
    if (routes.leader !== undefined) this.#markLed(routes.leader, item, index)
  }

  /** What mends trades is rare, so it may take longer to find who wants it. */
  #markLed(leader: Routes, { channel, symbol }: Pick<Item, 'channel' | 'symbol'>, index: number): void {
    for (const name of [symbol, '*'])
      for (const audience of named(leader, name))
        if (isLed(audience, channel)) this.#markAudience(audience, index)
  }

  #markAudience(audience: Audience, index: number): void {
    if (!audience.mark(index)) return
    audience.nextMarked = this.#marked
    this.#marked = audience
  }

  #eachRoute(audience: Audience, visit: (routes: Routes, symbol: string) => void): void {
    for (const [channel, symbols] of audience.selection) {
      const routes = this.#routes.get(channel)
      if (routes === undefined || (routes.leader !== undefined && isLed(audience, channel))) continue
      for (const symbol of symbols) visit(routes, symbol)
    }
  }
}

const nobody: ReadonlySet<Audience> = new Set()

function createRoutes(): ReadonlyMap<Channel, Routes> {
  const trades: Routes = { bySymbol: new Map(), wildcards: new Set(), leader: undefined }
  const create = (channel: Channel): Routes => {
    if (channel === 'trades') return trades
    const leader = followsTrades.has(channel) ? trades : undefined
    return { bySymbol: new Map(), wildcards: new Set(), leader }
  }
  return new Map(channels.map(channel => [channel, create(channel)]))
}

function named({ bySymbol, wildcards }: Routes, name: string): ReadonlySet<Audience> {
  return name === '*' ? wildcards : (bySymbol.get(name) ?? nobody)
}

/** Whether an audience is found by its trades: its symbols of that channel are the same set, not only an equal one. */
function isLed({ selection }: Audience, channel: Channel): boolean {
  return selection.get(channel) === selection.get('trades')
}

/** `'*'` is no symbol, so it stands for the whole channel here too. */
function addRoute(routes: Routes, symbol: string, audience: Audience): void {
  if (symbol === '*') {
    routes.wildcards.add(audience)
    return
  }
  const audiences = routes.bySymbol.get(symbol)
  if (audiences === undefined) routes.bySymbol.set(symbol, new Set([audience]))
  else audiences.add(audience)
}

function removeRoute(routes: Routes, symbol: string, audience: Audience): void {
  if (symbol === '*') {
    routes.wildcards.delete(audience)
    return
  }
  const audiences = routes.bySymbol.get(symbol)
  audiences?.delete(audience)
  if (audiences?.size === 0) routes.bySymbol.delete(symbol)
}
