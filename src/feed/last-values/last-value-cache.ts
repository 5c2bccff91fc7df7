import { type Channel, channelOfType, channels, type MarketEvent, type News } from '../../event/event.ts'
import { Articles } from './articles.ts'
import type { Item } from './item.ts'
import { Items } from './items.ts'
import { EventBatch, type EventPosition } from './event-batch.ts'
import { ListenerList } from '../../system/listener-list.ts'

/** Where an event comes from. */
export interface EventOrigin extends EventPosition {
  /** When its record was written, in ms on a monotonic clock; `-Infinity` if that is not known. */
  readonly writtenMs: number
  /** The event in JSON, if the record has it as it may be passed on. Copied. */
  readonly json?: Buffer | undefined
}

export interface LastValueCounts {
  /** Events by channel since start. */
  readonly events: Record<Channel, number>
  /** Items that were seen in two partitions, so that the order of their events is not known. */
  splitItems: number
}

/** An item that shows up in a further partition, so that its order is lost. */
export interface SplitItem {
  readonly item: Item
  /** The number of the further partition. */
  readonly partition: number
}

/**
 * The events of the batch under way, the last event of every item, and the newest articles of every symbol.
 */
export class LastValueCache {
  readonly items: Items
  readonly batch = new EventBatch()
  readonly counts: LastValueCounts = { events: perChannel(() => 0), splitItems: 0 }
  /**
   * By channel: when the newest record was written, in ms on a monotonic clock; `-Infinity` if that is not
   * known.
   */
  readonly newestMs: Record<Channel, number> = perChannel(() => -Infinity)
  /**
   * By channel: when the newest record was written whose event is missing in snapshots, since its item was
   * forgotten.
   */
  readonly forgottenMs: Partial<Record<Channel, number>> = {}
  /** Called once for each item that is seen in a second partition. */
  readonly onSplitItem = new ListenerList<SplitItem>()
  readonly #articles = new Articles(writtenMs => this.#noteForgotten('news', writtenMs))
  /** When the events added now were read, in ms on a monotonic clock. */
  #readMs = -Infinity
  /** Numbers that are not used any more, since the partition's topic was recreated or cut back. */
  readonly #retired = new Set<number>()

  constructor(options: { readonly maxItems: number }) {
    this.items = new Items(options.maxItems)
  }

  /** States when the events added next were read, in ms on a monotonic clock. */
  tick(nowMs: number): void {
    this.#readMs = nowMs
  }

  /** Appends an event to the batch, keeps it as the last of its item, and returns its index in the batch. */
  add(event: MarketEvent, origin: EventOrigin): number {
    const { writtenMs } = origin
    const channel = channelOfType[event.T]
    const index = event.T === 'n' ? this.#addNews(event, origin) : this.#addSingle(event, channel, origin)
    this.counts.events[channel]++
    if (writtenMs > this.newestMs[channel]) this.newestMs[channel] = writtenMs
    return index
  }

  /**
   * Keeps an event that is older than everything added as the last of its item. Returns false if the item has
   * one already, or the limit of items is reached.
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
   * The last events of some symbols of a channel (`'*'`: of all), in no particular order. For news, the
   * newest articles of each symbol (`'*'`: of all together), oldest first. Each is a view that is valid until
   * the next event.
   */
  *snapshot(channel: Channel, symbols: Iterable<string> | '*'): Generator<Buffer, void> {
    if (channel === 'news') {
      yield* symbols === '*' ? this.#articles.latest() : this.#articles.of(this.itemsOf(channel, symbols))
    } else {
      for (const item of this.itemsOf(channel, symbols)) yield item.last
    }
  }

  /** The items of some symbols of a channel (`'*'`: of all), in no particular order. */
  *itemsOf(channel: Channel, symbols: Iterable<string> | '*'): Generator<Item, void> {
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

  /** Forgets an item, whose number another item gets. */
  forget(item: Item): void {
    this.#noteForgotten(item.channel, item.latestMs)
    if (item.channel === 'news') this.#articles.forget(item)
  }

  /** Retires the number of a partition. Its items may then come in another partition. */
  retire(partition: number): void {
    this.#retired.add(partition)
  }

  #addSingle(event: Exclude<MarketEvent, News>, channel: Channel, origin: EventOrigin): number {
    const item = this.items.admit(channel, event.S, origin.partition)
    this.#noticeSplit(item, origin.partition)
    item.latestMs = Math.max(item.latestMs, this.#latestOf(origin.writtenMs))
    const index = this.batch.append(origin.json ?? JSON.stringify(event), item, origin)
    item.keep(this.batch.bytes, this.batch.start(index), this.batch.end(index))
    return index
  }

  /** Records of news are keyed by its id, so the events of one item come from any partition. */
  #addNews(event: News, origin: EventOrigin): number {
    const symbols = new Set(event.symbols.length === 0 ? [''] : event.symbols)
    const items = this.items.admitAll('news', symbols, origin.partition)
    const [first, ...others] = items
    if (first === undefined) throw new RangeError('an event has no item')
    const { partition } = origin
    const writtenMs = this.#latestOf(origin.writtenMs)
    for (const item of items) item.latestMs = Math.max(item.latestMs, writtenMs)
    const index = this.batch.append(JSON.stringify(event), first, origin)
    if (others.length > 0) this.batch.others.set(index, others)
    const bytes = this.batch.bytes.subarray(this.batch.start(index), this.batch.end(index))
    this.#articles.keep({ id: event.id, bytes, partition, writtenMs }, items)
    return index
  }

  /** When a record was written at the latest: one without a timestamp may be of any age. */
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
    this.onSplitItem.notify({ item, partition })
  }
}

/** Returns an object with one value for every channel. */
export function perChannel<Value>(make: (channel: Channel) => Value): Record<Channel, Value> {
  return Object.fromEntries(channels.map(channel => [channel, make(channel)])) as Record<Channel, Value>
}
