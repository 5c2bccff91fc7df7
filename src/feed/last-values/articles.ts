import type { News } from '../../event/event.ts'
import type { Item } from './item.ts'

/** How many articles are kept for each symbol, and of all together, for snapshots. */
const keptArticles = 10
/** The most bytes of all articles. The oldest leave first. */
const maxBytes = 64 * 1024 * 1024

/** A version of an article; a later one has the same id. */
export interface ArticleVersion {
  readonly id: News['id']
  readonly bytes: Buffer
  /** The number of its partition. */
  readonly partition: number
  readonly writtenMs: number
}

interface Article extends ArticleVersion {
  /** The ordinal of its arrival. */
  readonly sequence: number
  /** The lists that contain it. */
  readonly lists: Set<Article[]>
}

/**
 * The newest articles of every symbol by the times of their records, each in its newest version, bounded in
 * bytes over all.
 */
export class Articles {
  readonly #bySymbol = new Map<Item, Article[]>()
  readonly #latest: Article[] = []
  /** Every article that is in a list, in the order of arrival. */
  readonly #all = new Set<Article>()
  /** The same articles by id. */
  readonly #byId = new Map<News['id'], Article>()
  readonly #onDropped: (writtenMs: number) => void
  #bytes = 0
  #count = 0

  /**
   * `onDropped`: called with the time of an article that was among the newest of its symbols, and is dropped
   * to save memory.
   */
  constructor(onDropped: (writtenMs: number) => void) {
    this.#onDropped = onDropped
  }

  /**
   * Copies an article for its items. Replaces an earlier version, whatever items that had; ignores the
   * version if it is the earlier one.
   */
  keep(version: ArticleVersion, items: readonly Item[]): void {
    const former = this.#byId.get(version.id)
    if (former !== undefined) {
      if (!isNewer(version, former)) return
      for (const list of former.lists) this.#remove(former, list)
    }
    const bytes = copyOf(version.bytes)
    const article: Article = { ...version, bytes, sequence: this.#count++, lists: new Set() }
    this.#all.add(article)
    this.#byId.set(article.id, article)
    this.#bytes += bytes.length
    this.#add(article, this.#latest)
    for (const item of items) {
      const list = this.#bySymbol.get(item) ?? []
      this.#bySymbol.set(item, list)
      this.#add(article, list)
    }
    for (const oldest of this.#all) {
      if (this.#bytes <= maxBytes) break
      this.#onDropped(oldest.writtenMs)
      for (const list of oldest.lists) this.#remove(oldest, list)
    }
  }

  /** Forgets the articles of an item. */
  forget(item: Item): void {
    const list = this.#bySymbol.get(item) ?? []
    this.#bySymbol.delete(item)
    for (let [first] = list; first !== undefined; [first] = list) this.#remove(first, list)
  }

  /** The newest articles of all, oldest first. */
  latest(): Buffer[] {
    return this.#latest.map(article => article.bytes)
  }

  /** The newest articles of each of the items, each article once, oldest first. */
  of(items: Iterable<Item>): Buffer[] {
    const found = new Set<Article>()
    for (const item of items) for (const article of this.#bySymbol.get(item) ?? []) found.add(article)
    return [...found].toSorted(byTime).map(article => article.bytes)
  }

  #add(article: Article, list: Article[]): void {
    list.push(article)
    list.sort(byTime)
    article.lists.add(list)
    const [first] = list
    if (list.length > keptArticles && first !== undefined) this.#remove(first, list)
  }

  #remove(article: Article, list: Article[]): void {
    list.splice(list.indexOf(article), 1)
    article.lists.delete(list)
    if (article.lists.size > 0) return
    this.#all.delete(article)
    this.#byId.delete(article.id)
    this.#bytes -= article.bytes.length
  }
}

/**
 * Copies into memory of its own: a copy in Node's pool would keep all 64 KiB of that (600 articles of 0.5 MB
 * held 38 MiB).
 */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/**
 * Versions in one partition come in order, whatever the producers' clocks say; versions in several are read
 * in any order.
 */
function isNewer(version: ArticleVersion, former: ArticleVersion): boolean {
  return version.partition === former.partition || version.writtenMs >= former.writtenMs
}

function byTime(a: Article, b: Article): number {
  return a.writtenMs - b.writtenMs || a.sequence - b.sequence
}
