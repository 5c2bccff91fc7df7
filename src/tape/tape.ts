import { type Channel, channelOfType, channels, type MarketEvent, type News } from '../event/event.ts'
import { type Item, newsKept } from './item.ts'
import { Items } from './items.ts'
import { Segment } from './segment.ts'

/** An article kept for snapshots; `sequence` counts the articles of this process. */
interface Article {
  readonly sequence: number
  readonly bytes: Buffer
}

export interface TapeCounts {
  /** Events by channel since start. */
  readonly events: Record<Channel, number>
  /** Items that were seen in two partitions: their order is lost. */
  splitItems: number
}

/**
 * What this node has read: the events of the batch under way (`segment`), the last event of every item and the
 * last articles of every symbol.
 */
export class Tape {
  readonly items: Items
  readonly segment = new Segment()
  readonly counts: TapeCounts = { events: perChannel(() => 0), splitItems: 0 }
  /** The newest record timestamp per channel, in ms since 1970; 0 where none was seen. */
  readonly newestMs: Record<Channel, number> = perChannel(() => 0)
  /** Called once for an item that shows up in a second partition. */
  onSplitItem: (item: Item, partition: number) => void = () => undefined
  readonly #articles = new Map<Item, Article[]>()
  readonly #latestArticles: Article[] = []
  #articleCount = 0

  constructor(options: { readonly maxItems: number }) {
    this.items = new Items(options.maxItems)
  }

  /**
   * Takes an event into the segment and keeps it as the last of its item.
   * The index in the segment; `undefined` when it would begin an item more than the node may have.
   */
  add(event: MarketEvent, partition: number, timestampMs: number): number | undefined {
    const channel = channelOfType[event.T]
    const index =
      event.T === 'n' ? this.#addNews(event, partition) : this.#addSingle(event, channel, partition)
    if (index === undefined) return undefined
    this.counts.events[channel]++
    if (timestampMs > this.newestMs[channel]) this.newestMs[channel] = timestampMs
    return index
  }

  /** The last events of some items of a channel (`'*'`: of all), in no particular order; news as the last ten, in order. */
  snapshot(channel: Channel, symbols: Iterable<string> | '*'): Buffer[] {
    if (channel === 'news') return this.#newsSnapshot(symbols)
    const items = this.items.of(channel)
    const found: Buffer[] = []
    for (const symbol of symbols === '*' ? items.keys() : symbols) {
      const item = items.get(symbol)
      if (item !== undefined) found.push(item.last)
    }
    return found
  }

  #addSingle(event: Exclude<MarketEvent, News>, channel: Channel, partition: number): number | undefined {
    const item = this.items.admit(channel, event.S, partition)
    if (item === undefined) return undefined
    this.#noticeSplit(item, partition)
    const index = this.segment.append(JSON.stringify(event), item)
    item.keep(this.segment.bytes, this.segment.start(index), this.segment.end(index))
    return index
  }

  /** News is keyed by its id, so its items may come from any partition. */
  #addNews(event: News, partition: number): number | undefined {
    const items: Item[] = []
    for (const symbol of event.symbols.length === 0 ? [''] : new Set(event.symbols)) {
      const item = this.items.admit('news', symbol, partition)
      if (item === undefined) return undefined
      items.push(item)
    }
    const [first, ...others] = items
    if (first === undefined) return undefined
    const index = this.segment.append(JSON.stringify(event), first)
    if (others.length > 0) this.segment.others.set(index, others)
    this.#keepArticle(items, index)
    return index
  }

  #keepArticle(items: readonly Item[], index: number): void {
    const bytes = Buffer.from(this.segment.bytes.subarray(this.segment.start(index), this.segment.end(index)))
    const article: Article = { sequence: this.#articleCount++, bytes }
    keepLast(this.#latestArticles, article)
    for (const item of items) {
      const kept = this.#articles.get(item)
      if (kept === undefined) this.#articles.set(item, [article])
      else keepLast(kept, article)
    }
  }

  #newsSnapshot(symbols: Iterable<string> | '*'): Buffer[] {
    if (symbols === '*') return this.#latestArticles.map(article => article.bytes)
    const articles = new Set<Article>()
    for (const symbol of symbols) {
      const item = this.items.find('news', symbol)
      for (const article of (item && this.#articles.get(item)) ?? []) articles.add(article)
    }
    return [...articles].toSorted((a, b) => a.sequence - b.sequence).map(article => article.bytes)
  }

  #noticeSplit(item: Item, partition: number): void {
    if (item.partition === partition || item.isSplit) return
    item.isSplit = true
    this.counts.splitItems++
    this.onSplitItem(item, partition)
  }
}

function keepLast(articles: Article[], article: Article): void {
  articles.push(article)
  if (articles.length > newsKept) articles.shift()
}

/** A record with one value for every channel. */
export function perChannel<Value>(make: (channel: Channel) => Value): Record<Channel, Value> {
  return Object.fromEntries(channels.map(channel => [channel, make(channel)])) as Record<Channel, Value>
}
