import { type Channel, channelOfType, channels, type MarketEvent } from '../event/event.ts'
import type { ActiveFilter, FiltersByChannel } from './active-filters.ts'

/** The symbols of a channel: all (`'*'`) or some. */
export type SelectedSymbols = '*' | ReadonlySet<string>

/** Channels that a subscription to trades includes: corrections and cancels mend trades. */
export const followsTrades: ReadonlySet<Channel> = new Set(['corrections', 'cancelErrors'])

const noFilters: FiltersByChannel = new Map()

/** What is selected: by channel, the symbols, and the filter that an event has to pass besides. Immutable. */
export class Selection {
  static readonly none = new Selection(new Map())
  /** By channel. A channel without symbols is absent. */
  readonly symbols: ReadonlyMap<Channel, SelectedSymbols>
  /** Of some of the channels. */
  readonly #filters: FiltersByChannel

  constructor(symbols: ReadonlyMap<Channel, SelectedSymbols>, filters = noFilters) {
    this.symbols = symbols
    // Shared: an empty map takes 180 bytes.
    this.#filters = filters.size === 0 ? noFilters : filters
  }

  /** The number of channels. */
  get size(): number {
    return this.symbols.size
  }

  get isFiltered(): boolean {
    return this.#filters.size > 0
  }

  /** Whether every channel has a filter. */
  get isWhollyFiltered(): boolean {
    return this.#filters.size === this.size
  }

  /**
   * Equal for equal selections, however they came about, and for no others. Symbols contain no `,` `"` or
   * `\\`.
   */
  get key(): string {
    let key = ''
    let first: string | undefined
    for (const channel of channels) {
      const symbols = this.symbols.get(channel)
      if (symbols === undefined) continue
      const names = symbols === '*' ? '*' : [...symbols].toSorted().join(',')
      // Keys are kept: a mark stands for the names of the first channel, which the others as a rule repeat.
      key += `${channel}"${names === first ? '\\' : names}"`
      first ??= names
      const filter = this.filterOf(channel)?.key
      if (filter !== undefined) key += `${filter.length}:${filter}`
    }
    return key
  }

  /** The filter of a channel, if it has one. */
  filterOf(channel: Channel): ActiveFilter | undefined {
    return this.#filters.get(channel)
  }

  /** Whether a symbol of a channel is selected. Of its events, those that pass the channel's filter are. */
  selects(channel: Channel, symbol: string): boolean {
    const symbols = this.symbols.get(channel)
    return symbols === '*' || (symbols?.has(symbol) ?? false)
  }

  /** Whether an event is selected. */
  wants(event: MarketEvent): boolean {
    const channel = channelOfType[event.T]
    return this.#selectsSymbolOf(event, channel) && (this.filterOf(channel)?.matches(event) ?? true)
  }

  /** Whether `other` includes everything that this selection includes. */
  isWithin(other: Selection): boolean {
    for (const [channel, symbols] of this.symbols) {
      const filter = other.filterOf(channel)
      if (filter !== undefined && filter.key !== this.filterOf(channel)?.key) return false
      for (const symbol of symbols) if (!other.selects(channel, symbol)) return false
    }
    return true
  }

  /** The channels without a filter together, and each channel with one apart. */
  get parts(): readonly Selection[] {
    if (!this.isFiltered) return [this]
    const plain = this.restrictedTo(channel => !this.#filters.has(channel))
    const filtered = [...this.#filters.keys()].map(channel => this.restrictedTo(other => other === channel))
    return plain.size > 0 ? [plain, ...filtered] : filtered
  }

  /** Returns the part of some channels; the same object if that is everything. */
  restrictedTo(isIncluded: (channel: Channel) => boolean): Selection {
    const symbols = [...this.symbols].filter(([channel]) => isIncluded(channel))
    if (symbols.length === 0) return Selection.none
    if (symbols.length === this.size) return this
    const filters = [...this.#filters].filter(([channel]) => isIncluded(channel))
    return new Selection(new Map(symbols), filters.length === 0 ? noFilters : new Map(filters))
  }

  #selectsSymbolOf(event: MarketEvent, channel: Channel): boolean {
    if (event.T !== 'n') return this.selects(channel, event.S)
    const isOfAll = this.symbols.get(channel) === '*'
    return isOfAll || event.symbols.some(symbol => this.selects(channel, symbol))
  }
}

/** The names that subscribers selected, each (channel, symbol) with their number; `'*'` is a name, too. */
export class SubscriberCounts {
  readonly #byChannel = new Map<Channel, Map<string, number>>()

  add(selection: Selection): void {
    for (const [channel, symbols] of selection.symbols) {
      let counts = this.#byChannel.get(channel)
      if (counts === undefined) this.#byChannel.set(channel, (counts = new Map()))
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    }
  }

  remove(selection: Selection): void {
    for (const [channel, symbols] of selection.symbols) {
      const counts = this.#byChannel.get(channel)
      if (counts === undefined) continue
      for (const symbol of symbols) {
        const rest = (counts.get(symbol) ?? 0) - 1
        if (rest > 0) counts.set(symbol, rest)
        else counts.delete(symbol)
      }
      if (counts.size === 0) this.#byChannel.delete(channel)
    }
  }

  /** Whether any subscriber selects an item, by its name or with the whole channel. */
  selects(channel: Channel, symbol: string): boolean {
    const counts = this.#byChannel.get(channel)
    return counts !== undefined && (counts.has(symbol) || counts.has('*'))
  }

  /** Whether a subscriber selected this very name. */
  has(channel: Channel, name: string): boolean {
    return this.#byChannel.get(channel)?.has(name) ?? false
  }

  *names(): Generator<readonly [channel: Channel, name: string], void> {
    for (const [channel, counts] of this.#byChannel) for (const name of counts.keys()) yield [channel, name]
  }
}
