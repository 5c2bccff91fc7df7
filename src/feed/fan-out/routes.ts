import { type Channel, channels } from '../../event/event.ts'
import type { ActiveFilter } from '../active-filters.ts'
import { followsTrades, type Selection } from '../selection.ts'
import type { Audience } from './audience.ts'

/** The audiences with the same filter of a channel, and with the same symbol or `'*'`. */
export interface FilteredAudiences {
  readonly filter: ActiveFilter
  readonly audiences: Set<Audience>
}

const noAudiences: ReadonlySet<Audience> = new Set()
const noneFiltered: readonly FilteredAudiences[] = []

/** The audiences of a channel: by symbol, and those of the whole channel. */
export class Routes {
  /**
   * For `corrections` and `cancelErrors`: the routes of `trades`. An audience with the same symbols in both
   * channels, and no filter of either, is only there.
   */
  readonly leader: Routes | undefined
  /** Those without a filter. */
  readonly bySymbol = new Map<string, Set<Audience>>()
  readonly wildcards = new Set<Audience>()
  /** Those with a filter, by symbol or `'*'`. */
  readonly #filtered = new Map<string, FilteredAudiences[]>()

  constructor(leader: Routes | undefined) {
    this.leader = leader
  }

  /** Whether any audience has a filter of the channel. */
  get isFiltered(): boolean {
    return this.#filtered.size > 0
  }

  /** The number of different symbols; `'*'` is one. */
  get nameCount(): number {
    let count = this.bySymbol.size + (this.wildcards.size > 0 ? 1 : 0)
    for (const name of this.#filtered.keys()) if (this.plain(name).size === 0) count++
    return count
  }

  /** The different symbols; `'*'` is one. */
  *names(): Generator<string, void> {
    yield* this.bySymbol.keys()
    if (this.wildcards.size > 0) yield '*'
    for (const name of this.#filtered.keys()) if (this.plain(name).size === 0) yield name
  }

  has(name: string): boolean {
    return this.plain(name).size > 0 || this.#filtered.has(name)
  }

  /** The audiences of a symbol without a filter; `'*'` stands for the whole channel. */
  plain(name: string): ReadonlySet<Audience> {
    return name === '*' ? this.wildcards : (this.bySymbol.get(name) ?? noAudiences)
  }

  /** The audiences of a symbol with a filter; `'*'` stands for the whole channel. */
  filtered(name: string): readonly FilteredAudiences[] {
    return this.#filtered.get(name) ?? noneFiltered
  }

  add(name: string, audience: Audience, filter: ActiveFilter | undefined): void {
    if (filter !== undefined) this.#addFiltered(name, audience, filter)
    else if (name === '*') this.wildcards.add(audience)
    else {
      const audiences = this.bySymbol.get(name)
      if (audiences === undefined) this.bySymbol.set(name, new Set([audience]))
      else audiences.add(audience)
    }
  }

  remove(name: string, audience: Audience, filter: ActiveFilter | undefined): void {
    if (filter !== undefined) this.#removeFiltered(name, audience, filter)
    else if (name === '*') this.wildcards.delete(audience)
    else {
      const audiences = this.bySymbol.get(name)
      audiences?.delete(audience)
      if (audiences?.size === 0) this.bySymbol.delete(name)
    }
  }

  #addFiltered(name: string, audience: Audience, filter: ActiveFilter): void {
    const groups = this.#filtered.get(name) ?? []
    const group = groups.find(each => each.filter === filter)
    if (group === undefined) groups.push({ filter, audiences: new Set([audience]) })
    else group.audiences.add(audience)
    this.#filtered.set(name, groups)
  }

  #removeFiltered(name: string, audience: Audience, filter: ActiveFilter): void {
    const groups = this.#filtered.get(name) ?? []
    groups.find(each => each.filter === filter)?.audiences.delete(audience)
    const rest = groups.filter(({ audiences }) => audiences.size > 0)
    if (rest.length > 0) this.#filtered.set(name, rest)
    else this.#filtered.delete(name)
  }
}

export function createRoutes(): ReadonlyMap<Channel, Routes> {
  const trades = new Routes(undefined)
  const create = (channel: Channel): Routes =>
    channel === 'trades' ? trades : new Routes(followsTrades.has(channel) ? trades : undefined)
  return new Map(channels.map(channel => [channel, create(channel)]))
}

/**
 * Whether an audience is found by its trades: its symbols of the channel are the same set, not merely an
 * equal one, and neither has a filter.
 */
export function isLed(selection: Selection, channel: Channel): boolean {
  return (
    selection.symbols.get(channel) === selection.symbols.get('trades') &&
    selection.filterOf(channel) === undefined &&
    selection.filterOf('trades') === undefined
  )
}
