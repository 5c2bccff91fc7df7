import { entitles, entitlesChannel, type Grant } from '../../auth/grant.ts'
import { type Channel, channels } from '../../event/event.ts'
import type { ActiveFilter, FiltersByChannel } from '../../feed/active-filters.ts'
import { followsTrades, Selection, type SelectedSymbols } from '../../feed/selection.ts'
import {
  type ConflationIntervalMs,
  conflationIntervalFor,
} from '../../feed/interval-conflation/conflation-intervals.ts'
import type { Filter } from '../../filter/filter.ts'
import type { Policy, RequestedFilters, RequestedItems, SubscribeCommand } from '../../protocol/command.ts'
import type { SubscriptionFacts } from '../../protocol/server-message.ts'
import type { Selections } from './live-memberships.ts'

/** The policy of each channel, unless the client chooses another. */
const defaultPolicies: Readonly<Record<Channel, Policy>> = {
  trades: 'every',
  quotes: 'conflate',
  bars: 'every',
  updatedBars: 'every',
  dailyBars: 'conflate',
  statuses: 'every',
  lulds: 'conflate',
  corrections: 'every',
  cancelErrors: 'every',
  news: 'every',
}

type Named = ReadonlyMap<Channel, ReadonlySet<string>>

// Shared: an empty map takes 180 bytes.
const noSymbols: ReadonlySet<string> = new Set()
const noIntervals: ReadonlyMap<Channel, ConflationIntervalMs> = new Map()
const noFilters: FiltersByChannel = new Map()
const noIntervalSelections: ReadonlyMap<ConflationIntervalMs, Selection> = new Map()

interface SubscriptionParts {
  readonly named: Named
  readonly policies: ReadonlyMap<Channel, Policy>
  /** Of the conflated channels that are not delivered at once. */
  readonly intervals: ReadonlyMap<Channel, ConflationIntervalMs>
  readonly filters: FiltersByChannel
}

/** The part of a request that changes a subscription. */
type SubscriptionChange = Pick<SubscribeCommand, 'items' | 'policy' | 'conflateMs'>

/**
 * The items that one client has named, with the policies, intervals and filters of their channels. Immutable:
 * a request makes another one.
 */
export class Subscription {
  static readonly none = new Subscription({
    named: new Map(),
    policies: new Map(),
    intervals: noIntervals,
    filters: noFilters,
  })

  /** Also of channels without items: like a policy, a filter stays when the last item of its channel goes. */
  readonly filters: FiltersByChannel
  readonly #named: Named
  readonly #policies: ReadonlyMap<Channel, Policy>
  readonly #intervals: ReadonlyMap<Channel, ConflationIntervalMs>
  /**
   * The selection under the grant that was asked for last: a part of it is often all of it, and then the same
   * object.
   */
  #resolved: { readonly grant: Grant; readonly selection: Selection } | undefined

  private constructor({ named, policies, intervals, filters }: SubscriptionParts) {
    this.#named = named
    this.#policies = policies
    this.#intervals = intervals
    this.filters = filters
  }

  /**
   * How many items are named. `*` counts as one for its channel; channels that follow trades do not count.
   */
  get size(): number {
    let size = 0
    for (const symbols of this.#named.values()) size += symbols.size
    return size
  }

  with(request: SubscriptionChange): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of request.items) {
      named.set(channel, new Set(named.get(channel)).union(new Set(symbols)))
    }
    const policies =
      request.policy.size === 0 ? this.#policies : new Map([...this.#policies, ...request.policy])
    const intervals = new Map(this.#intervals)
    const { conflateMs } = request
    const intervalMs = conflateMs === undefined ? 'as before' : conflationIntervalFor(conflateMs)
    for (const channel of namedBy(request)) {
      if (intervalMs === 0 || policyOf(policies, channel) === 'every') intervals.delete(channel)
      else if (intervalMs !== 'as before') intervals.set(channel, intervalMs)
    }
    return this.#changed({ named, policies, intervals: intervals.size === 0 ? noIntervals : intervals })
  }

  without(items: RequestedItems): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of items) {
      const rest = new Set(named.get(channel)).difference(new Set(symbols))
      if (rest.size > 0) named.set(channel, rest)
      else named.delete(channel)
    }
    return this.#changed({ named })
  }

  /** Returns the part that a grant allows; the same object if that is everything. */
  under(grant: Grant): Subscription {
    const named = new Map<Channel, ReadonlySet<string>>()
    for (const [channel, symbols] of this.#named) {
      const entitled = entitledNames(channel, symbols, grant)
      if (entitled.size > 0) named.set(channel, entitled)
    }
    const narrowed = this.#changed({ named })
    return narrowed.size === this.size ? this : narrowed
  }

  /** Returns the filters that a request leaves. */
  filtersAfter(requested: RequestedFilters): Iterable<Filter> {
    const filters = new Map<Channel, Filter | null>([...this.filters, ...requested])
    return [...filters.values()].filter(filter => filter !== null)
  }

  hasFiltersOf(other: Subscription): boolean {
    const { filters } = other
    if (filters.size !== this.filters.size) return false
    return [...filters].every(([channel, filter]) => this.filters.get(channel) === filter)
  }

  withFilters(filters: FiltersByChannel): Subscription {
    return this.#changed({ filters: filters.size === 0 ? noFilters : filters })
  }

  /** Returns the symbols of a channel as the client named them, with those that follow from trades. */
  symbols(channel: Channel): ReadonlySet<string> {
    const own = this.#named.get(channel) ?? noSymbols
    const trades = followsTrades.has(channel) ? this.#named.get('trades') : undefined
    if (trades === undefined) return own
    // The same set, where possible: a copy takes some 700 bytes for 20 symbols.
    return own.size === 0 ? trades : own.union(trades)
  }

  policy(channel: Channel): Policy {
    return policyOf(this.#policies, channel)
  }

  /** Returns the interval at which a channel is delivered; 0: at once. */
  intervalMs(channel: Channel): ConflationIntervalMs | 0 {
    return this.#intervals.get(channel) ?? 0
  }

  /** Returns what is wrong with the interval of the request that made this subscription. */
  intervalFault(request: SubscriptionChange): string | undefined {
    const { conflateMs } = request
    const named = [...namedBy(request)]
    if (conflateMs === undefined || conflateMs === 0) return undefined
    if (named.some(channel => this.policy(channel) === 'conflate')) return undefined
    return named.length === 0
      ? 'conflateMs: the request names no channel; expected the conflated ones that it is for'
      : `conflateMs: every event of ${named.join(', ')} is delivered; ` +
          'choose "conflate" in policy, or leave conflateMs out'
  }

  /** Returns the items that are delivered under a grant: `*` is every symbol that it allows. */
  selection(grant: Grant): Selection {
    if (this.#resolved?.grant === grant) return this.#resolved.selection
    const selected = new Map<Channel, SelectedSymbols>()
    const filters = new Map<Channel, ActiveFilter>()
    for (const channel of channels) {
      const symbols = resolve(this.symbols(channel), grant)
      if (symbols !== '*' && symbols.size === 0) continue
      selected.set(channel, symbols)
      const filter = this.filters.get(channel)
      if (filter !== undefined) filters.set(channel, filter)
    }
    const selection = selected.size === 0 ? Selection.none : new Selection(selected, filters)
    this.#resolved = { grant, selection }
    return selection
  }

  /** Returns what a reader delivers under a grant. */
  selections(grant: Grant): Selections {
    return new SubscribedSelections(this, grant)
  }

  /** Returns what is delivered of the channels of one policy. */
  selectionOf(policy: Policy, grant: Grant): Selection {
    return this.selection(grant).restrictedTo(channel => this.policy(channel) === policy)
  }

  /** Returns what is named of the channels of one policy. */
  itemsOf(policy: Policy): RequestedItems {
    const items = new Map<Channel, readonly string[]>()
    for (const channel of channels) {
      const symbols = this.symbols(channel)
      if (symbols.size > 0 && this.policy(channel) === policy) items.set(channel, [...symbols])
    }
    return items
  }

  /** Returns what a live reader is delivered at once. */
  liveSelection(grant: Grant): Selection {
    return this.selection(grant).restrictedTo(channel => this.intervalMs(channel) === 0)
  }

  /** Returns what is delivered of the conflated channels of one interval; 0: at once. */
  conflatedSelection(grant: Grant, intervalMs: ConflationIntervalMs | 0): Selection {
    return this.selection(grant).restrictedTo(
      channel => this.policy(channel) === 'conflate' && this.intervalMs(channel) === intervalMs,
    )
  }

  /** Returns what a live reader is delivered at each interval. */
  intervalSelections(grant: Grant): ReadonlyMap<ConflationIntervalMs, Selection> {
    if (this.#intervals.size === 0) return noIntervalSelections
    const selections = new Map<ConflationIntervalMs, Selection>()
    for (const intervalMs of new Set(this.#intervals.values())) {
      const selection = this.conflatedSelection(grant, intervalMs)
      if (selection.size > 0) selections.set(intervalMs, selection)
    }
    return selections
  }

  /** Returns the symbols, policies, intervals and filters as an acknowledgement states them. */
  describe(): SubscriptionFacts {
    const symbols = new Map<Channel, readonly string[]>()
    const policy: Partial<Record<Channel, Policy>> = {}
    const conflateMs: Partial<Record<Channel, ConflationIntervalMs>> = {}
    const where: Partial<Record<Channel, object>> = {}
    for (const channel of channels) {
      const named = this.symbols(channel)
      symbols.set(channel, [...named])
      if (named.size === 0) continue
      policy[channel] = this.policy(channel)
      const intervalMs = this.#intervals.get(channel)
      if (intervalMs !== undefined) conflateMs[channel] = intervalMs
      const filter = this.filters.get(channel)
      if (filter !== undefined) where[channel] = filter.expression
    }
    return {
      symbols,
      policy,
      ...(Object.keys(conflateMs).length === 0 ? {} : { conflateMs }),
      ...(Object.keys(where).length === 0 ? {} : { where }),
    }
  }

  #changed(parts: Partial<SubscriptionParts>): Subscription {
    const [named, policies, intervals] = [this.#named, this.#policies, this.#intervals]
    return new Subscription({ named, policies, intervals, filters: this.filters, ...parts })
  }
}

/** Makes what only a reader that is behind needs when it asks: an idle session takes 450 B less. */
class SubscribedSelections implements Selections {
  readonly live: Selection
  readonly intervals: ReadonlyMap<ConflationIntervalMs, Selection>
  readonly #subscription: Subscription
  readonly #grant: Grant
  #every: Selection | undefined
  #conflated: Selection | undefined

  constructor(subscription: Subscription, grant: Grant) {
    this.live = subscription.liveSelection(grant)
    this.intervals = subscription.intervalSelections(grant)
    this.#subscription = subscription
    this.#grant = grant
  }

  get every(): Selection {
    return (this.#every ??= this.#subscription.selectionOf('every', this.#grant))
  }

  get conflated(): Selection {
    return (this.#conflated ??= this.#subscription.selectionOf('conflate', this.#grant))
  }
}

/**
 * Returns the channels that a request names, in its lists or policies, with those that follow from trades.
 */
function namedBy({ items, policy }: SubscriptionChange): Set<Channel> {
  const named = new Set<Channel>([...items.keys(), ...policy.keys()])
  return items.has('trades') ? named.union(followsTrades) : named
}

function policyOf(policies: ReadonlyMap<Channel, Policy>, channel: Channel): Policy {
  return policies.get(channel) ?? defaultPolicies[channel]
}

/** Returns the symbols that a list of names stands for under a grant. */
export function resolve(names: ReadonlySet<string>, grant: Grant): '*' | ReadonlySet<string> {
  return names.has('*') ? grant.symbols : names
}

/** Returns the names of a channel that a grant covers; it covers `*` if it covers any symbol. */
export function entitledNames(channel: Channel, names: Iterable<string>, grant: Grant): Set<string> {
  const entitled = new Set<string>()
  if (!entitlesChannel(grant, channel)) return entitled
  for (const name of names) if (isEntitled(name, grant)) entitled.add(name)
  return entitled
}

function isEntitled(name: string, { symbols }: Grant): boolean {
  return name === '*' ? symbols === '*' || symbols.size > 0 : entitles(symbols, name)
}

/** Returns the first item of a request that the grant does not cover, such as `trades/MSFT`. */
export function firstUnentitled(items: RequestedItems, grant: Grant): string | undefined {
  for (const [channel, symbols] of items) {
    const isCovered = entitlesChannel(grant, channel)
    for (const symbol of symbols) {
      if (!isCovered || !isEntitled(symbol, grant)) return `${channel}/${symbol}`
    }
  }
  return undefined
}
