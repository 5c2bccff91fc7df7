const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' })

/** Feeds by name, or what a part of the gateway has for each; the first is for clients that name none. */
export class FeedDirectory<Entry extends { readonly name: string }> implements Iterable<Entry> {
  readonly first: Entry
  readonly #entries: ReadonlyMap<string, Entry>

  constructor(entries: readonly [Entry, ...Entry[]]) {
    this.first = entries[0]
    this.#entries = new Map(entries.map(entry => [entry.name, entry]))
  }

  get size(): number {
    return this.#entries.size
  }

  get names(): string[] {
    return [...this.#entries.keys()]
  }

  /** Returns the feed of a name, or the first if none is named; `undefined` where there is no such feed. */
  find(name: string | undefined): Entry | undefined {
    return name === undefined ? this.first : this.#entries.get(name)
  }

  /** Says in words that there is no feed of a name. */
  explainUnknown(name: string): string {
    const known = alternatives.format(this.names)
    return `there is no feed ${JSON.stringify(name.slice(0, 64))} here; expected ${known}`
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries.values()
  }
}
