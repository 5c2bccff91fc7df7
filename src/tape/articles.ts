import type { Item } from './item.ts'

/** How many articles are kept of a symbol, and of all together, for snapshots. */
const articlesKept = 10
/** What all of them may take; the oldest leave first. */
const maxBytes = 64 * 1024 * 1024

interface Article {
  readonly bytes: Buffer
  readonly writtenMs: number
  /** In the order of arrival. */
  readonly sequence: number
  /** The lists that hold it. */
  readonly lists: Set<Article[]>
}

/** The last articles of every symbol, by when their records were written, bounded in bytes over all. */
export class Articles {
  readonly #bySymbol = new Map<Item, Article[]>()
  readonly #latest: Article[] = []
  /** In the order of arrival. */
  readonly #all = new Set<Article>()
  readonly #onDropped: (writtenMs: number) => void
  #bytes = 0
  #count = 0

  /** `onDropped`: told of the time of an article that was among the last of its symbols, and is not kept any more. */
  constructor(onDropped: (writtenMs: number) => void) {
    this.#onDropped = onDropped
  }

  /** Copies an article's bytes for its items. */
  keep(bytes: Buffer, writtenMs: number, items: readonly Item[]): void {
    const article: Article = {
      bytes: copyOf(bytes),
      writtenMs,
      sequence: this.#count++,
      lists: new Set(),
    }
    this.#all.add(article)
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

  /** Forgets which are the last articles of an item. */
  forget(item: Item): void {
    const list = this.#bySymbol.get(item) ?? []
    this.#bySymbol.delete(item)
    for (let [first] = list; first !== undefined; [first] = list) this.#remove(first, list)
  }

  /** The last articles of all, oldest first. */
  latest(): Buffer[] {
    return this.#latest.map(article => article.bytes)
  }

  /** The last articles of each of some items, each once, oldest first. */
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
    if (list.length > articlesKept && first !== undefined) this.#remove(first, list)
  }

  #remove(article: Article, list: Article[]): void {
    list.splice(list.indexOf(article), 1)
    article.lists.delete(list)
    if (article.lists.size > 0) return
    this.#all.delete(article)
    this.#bytes -= article.bytes.length
  }
}

/** In memory of its own: a copy from Node's pool of 64 KiB would keep all of that (600 articles of 0.5 MB held 38 MiB). */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

function byTime(a: Article, b: Article): number {
  return a.writtenMs - b.writtenMs || a.sequence - b.sequence
}
