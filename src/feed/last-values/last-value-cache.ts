import { type Channel, channelOfType, channels, type MarketEvent, type News } from '../../event/event.ts'
import { Articles } from './articles.ts'
import type { Item } from './item.ts'
import { Items } from './items.ts'
import { type Place, EventBatch } from './event-batch.ts'

/** Where an event comes from. */
export interface Origin extends Place {
  /** When its record was written, in ms on a clock that only goes on; `-Infinity` where that is not known. */
  readonly writtenMs: number
  /** The event in JSON, where the record has it just as it may be passed on; copied. */
  readonly json?: Buffer | undefined
}

export interface LastValueCounts {
  /** Events by channel since start. */
  readonly events: Record<Channel, number>
  /** Items that were seen in two partitions: their order is lost. */
  splitItems: number
}

/**
 * What this node has read: the events of the batch under way (`segment`), the last event of every item and the
 * last articles of every symbol.
 */
export class LastValueCache {
  readonly items: Items
  readonly segment = new EventBatch()
  readonly counts: LastValueCounts = { events: perChannel(() => 0), splitItems: 0 }
  /** When the newest record of each channel was written, in ms on a clock that only goes on; `-Infinity` where that is not known. */
  readonly newestMs: Record<Channel, number> = perChannel(() => -Infinity)
  /** The same of what snapshots lack, since it was let go for newer things; `undefined` where nothing was. */
  readonly forgottenMs: Partial<Record<Channel, number>> = {}
  /** Called once for an item that shows up in a second partition. */
  onSplitItem: (item: Item, partition: number) => void = () => undefined
  readonly #articles = new Articles(writtenMs => this.#noteForgotten('news', writtenMs))
  /** When what is added was read, in ms on a clock that only goes on. */
  #readMs = -Infinity
  /** Partitions of topics that were made again since, by index. */
  readonly #retired = new Set<number>()

  constructor(options: { readonly maxItems: number }) {
    this.items = new Items(options.maxItems)
  }

  /** States when what is added next was read, in ms on a clock that only goes on. */
  tick(nowMs: number): void {
    this.#readMs = nowMs
  }

  /** Takes an event into the segment and keeps it as the last of its item; the index in the segment. */
  add(event: MarketEvent, origin: Origin): number {
    const { writtenMs } = origin
    const channel = channelOfType[event.T]
    const index = event.T === 'n' ? this.#addNews(event, origin) : this.#addSingle(event, channel, origin)
    this.counts.events[channel]++
    if (writtenMs > this.newestMs[channel]) this.newestMs[channel] = writtenMs
    return index
  }

  /**
   * Keeps an event as the last of its item, if that has none yet: one from before everything that was added. False if
   * it has, or the node has as many items as it may.
   */
  addOlder(event: Exclude<MarketEvent, News>, partition: number, writtenMs: number): boolean {
    const channel = channelOfType[event.T]
    if (this.items.find(channel, event.S) !== undefined) return false
    const item = this.items.admitOlder(channel, event.S, partition)
    if (item === undefined) {
      this.#noteForgotten(channel, this.#latestOf(writtenMs))
      return false
    }
    const bytes = Buffer.from(JSON.stringify(event))
    item.keep(bytes, 0, bytes.length)
    item.latestMs = this.#latestOf(writtenMs)
    this.newestMs[channel] = Math.max(this.newestMs[channel], writtenMs)
    return true
  }

  /**
   * The last events of some items of a channel (`'*'`: of all), in no particular order; news as the last ten of each symbol
   * (`'*'`: of all), oldest first. Each is a view that is good until the next event.
   */
  *snapshot(channel: Channel, symbols: Iterable<string> | '*'): Generator<Buffer, void> {
    if (channel === 'news') {
      yield* symbols === '*' ? this.#articles.latest() : this.#articles.of(this.#itemsOf(channel, symbols))
    } else {
      for (const item of this.#itemsOf(channel, symbols)) yield item.last
    }
  }

  *#itemsOf(channel: Channel, symbols: Iterable<string> | '*'): Generator<Item, void> {
    const items = this.items.of(channel)
    if (symbols === '*') {
      yield* items.values()
      return
    }
    for (const symbol of symbols) {
      const item = items.get(symbol)
      if (item !== undefined) yield item
    }
  }

  /** An item has given up its place. */
  forget(item: Item): void {
    this.#noteForgotten(item.channel, item.latestMs)
    if (item.channel === 'news') this.#articles.forget(item)
  }

  /** Items of this partition may turn up in any other: its topic was made again. */
  retire(partition: number): void {
    this.#retired.add(partition)
  }

  #addSingle(event: Exclude<MarketEvent, News>, channel: Channel, origin: Origin): number {
    const item = this.items.admit(channel, event.S, origin.partition)
    this.#noticeSplit(item, origin.partition)
    item.latestMs = Math.max(item.latestMs, this.#latestOf(origin.writtenMs))
    const index = this.segment.append(origin.json ?? JSON.stringify(event), item, origin)
    item.keep(this.segment.bytes, this.segment.start(index), this.segment.end(index))
    return index
  }

  /** News is keyed by its id, so its items may come from any partition. */
  #addNews(event: News, origin: Origin): number {
    const symbols = new Set(event.symbols.length === 0 ? [''] : event.symbols)
    const items = this.items.admitAll('news', symbols, origin.partition)
    const [first, ...others] = items
    if (first === undefined) throw new RangeError('an event without an item')
    const { partition } = origin
    const writtenMs = this.#latestOf(origin.writtenMs)
    for (const item of items) item.latestMs = Math.max(item.latestMs, writtenMs)
    const index = this.segment.append(JSON.stringify(event), first, origin)
    if (others.length > 0) this.segment.others.set(index, others)
    const bytes = this.segment.bytes.subarray(this.segment.start(index), this.segment.end(index))
    this.#articles.keep({ id: event.id, bytes, partition, writtenMs }, items)
    return index
  }

  /** When a record was written at the latest: that it has no timestamp says nothing of its age. */
  #latestOf(writtenMs: number): number {
    return writtenMs === -Infinity ? this.#readMs : writtenMs
  }

  #noteForgotten(channel: Channel, writtenMs: number): void {
    this.forgottenMs[channel] = Math.max(this.forgottenMs[channel] ?? -Infinity, writtenMs)
  }

  #noticeSplit(item: Item, partition: number): void {
    if (item.partition === partition || item.isSplit) return
    if (this.#retired.has(item.partition)) {
      item.partition = partition
      return
    }
    item.isSplit = true
    this.counts.splitItems++
    this.onSplitItem(item, partition)
  }
}

/** A record with one value for every channel. */
export function perChannel<Value>(make: (channel: Channel) => Value): Record<Channel, Value> {
  return Object.fromEntries(channels.map(channel => [channel, make(channel)])) as Record<Channel, Value>
}
