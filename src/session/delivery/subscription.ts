import { entitles, entitlesChannel, type Grant } from '../../auth/grant.ts'
import { type Channel, channels } from '../../event/event.ts'
import { followsTrades, type Selection } from '../../feed/selection.ts'
import type { ConflationIntervalMs } from '../../feed/conflation/conflation-intervals.ts'
import type { Policy, RequestedItems, SubscribeMessage } from '../../protocol/client-message.ts'

/** What a channel does for a lagging reader unless `policy` says otherwise. */
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

// Shared by all that have none: an empty map takes 180 bytes.
const noSymbols: ReadonlySet<string> = new Set()
const noSelection: Selection = new Map()
const noIntervals: ReadonlyMap<Channel, ConflationIntervalMs> = new Map()
const nothingAtIntervals: ReadonlyMap<ConflationIntervalMs, Selection> = new Map()

/** What a subscription consists of. */
interface Content {
  readonly named: Named
  readonly policies: ReadonlyMap<Channel, Policy>
  /** How often conflated channels are told, where that is not at once. */
  readonly intervals: ReadonlyMap<Channel, ConflationIntervalMs>
}

/** What of a request changes a subscription. */
type Wish = Pick<SubscribeMessage, 'items' | 'policy' | 'conflateMs'>

/** What one session has asked for; never changed, but replaced. */
export class Subscription {
  static readonly none = new Subscription({ named: new Map(), policies: new Map(), intervals: new Map() })

  readonly #named: Named
  readonly #policies: ReadonlyMap<Channel, Policy>
  readonly #intervals: ReadonlyMap<Channel, ConflationIntervalMs>
  /** What is delivered of it under the grant that was asked for last: what is a part of it may be all of it. */
  #resolved: { readonly grant: Grant; readonly selection: Selection } | undefined

  private constructor({ named, policies, intervals }: Content) {
    this.#named = named
    this.#policies = policies
    this.#intervals = intervals
  }

  /** How many items are named; `*` counts as one a channel, what follows trades as none. */
  get size(): number {
    let size = 0
    for (const symbols of this.#named.values()) size += symbols.size
    return size
  }

  with(request: Wish): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of request.items) {
      named.set(channel, new Set(named.get(channel)).union(new Set(symbols)))
    }
    const policies =
      request.policy.size === 0 ? this.#policies : new Map([...this.#policies, ...request.policy])
    const intervals = new Map(this.#intervals)
    const { conflateMs = 'as before' } = request
    for (const channel of namedBy(request)) {
      if (conflateMs === 0 || policyOf(policies, channel) === 'every') intervals.delete(channel)
      else if (conflateMs !== 'as before') intervals.set(channel, conflateMs)
    }
    return new Subscription({ named, policies, intervals: intervals.size === 0 ? noIntervals : intervals })
  }

  without(items: RequestedItems): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of items) {
      const rest = new Set(named.get(channel)).difference(new Set(symbols))
      if (rest.size > 0) named.set(channel, rest)
      else named.delete(channel)
    }
    return new Subscription({ named, policies: this.#policies, intervals: this.#intervals })
  }

  /** What of it a grant entitles to; the same object where that is everything. */
  under(grant: Grant): Subscription {
    const named = new Map<Channel, ReadonlySet<string>>()
    for (const [channel, symbols] of this.#named) {
      const seen = entitledNames(channel, symbols, grant)
      if (seen.size > 0) named.set(channel, seen)
    }
    const narrowed = new Subscription({ named, policies: this.#policies, intervals: this.#intervals })
    return narrowed.size === this.size ? this : narrowed
  }

  /** The symbols of a channel as the client named them, with those that follow from trades. */
  symbols(channel: Channel): ReadonlySet<string> {
    const own = this.#named.get(channel) ?? noSymbols
    const trades = followsTrades.has(channel) ? this.#named.get('trades') : undefined
    if (trades === undefined) return own
    // As a rule the same set: a copy takes some 700 bytes for 20 symbols.
    return own.size === 0 ? trades : own.union(trades)
  }

  policy(channel: Channel): Policy {
    return policyOf(this.#policies, channel)
  }

  /** How often a channel is told; 0: at once. */
  intervalMs(channel: Channel): ConflationIntervalMs | 0 {
    return this.#intervals.get(channel) ?? 0
  }

  /** What is wrong with a request that led to this: an interval for channels of which every event is told. */
  intervalFault(request: Wish): string | undefined {
    const { conflateMs } = request
    const named = [...namedBy(request)]
    if (conflateMs === undefined || conflateMs === 0) return undefined
    if (named.some(channel => this.policy(channel) === 'conflate')) return undefined
    return named.length === 0
      ? 'conflateMs: the request names no channel; expected the conflated ones that it is for'
      : `conflateMs: every event of ${named.join(', ')} is told; choose "conflate" in policy, or leave conflateMs out`
  }

  /** What is delivered under a grant: `*` is every symbol that it entitles to. */
  selection(grant: Grant): Selection {
    if (this.#resolved?.grant === grant) return this.#resolved.selection
    const selection = new Map<Channel, '*' | ReadonlySet<string>>()
    for (const channel of channels) {
      const symbols = resolve(this.symbols(channel), grant)
      if (symbols === '*' || symbols.size > 0) selection.set(channel, symbols)
    }
    this.#resolved = { grant, selection }
    return selection
  }

  /** The same of the channels of one policy. */
  selectionOf(policy: Policy, grant: Grant): Selection {
    return this.#selectionIn(grant, channel => this.policy(channel) === policy)
  }

  /** What is named of the channels of one policy. */
  itemsOf(policy: Policy): RequestedItems {
    const items = new Map<Channel, readonly string[]>()
    for (const channel of channels) {
      const symbols = this.symbols(channel)
      if (symbols.size > 0 && this.policy(channel) === policy) items.set(channel, [...symbols])
    }
    return items
  }

  /** The same of the channels whose events are told at once to a reader that is not behind. */
  liveSelection(grant: Grant): Selection {
    return this.#selectionIn(grant, channel => this.intervalMs(channel) === 0)
  }

  /** The same of the conflated channels that are told at an interval; 0: at once. */
  conflatedSelection(grant: Grant, intervalMs: ConflationIntervalMs | 0): Selection {
    return this.#selectionIn(
      grant,
      channel => this.policy(channel) === 'conflate' && this.intervalMs(channel) === intervalMs,
    )
  }

  /** What is told at intervals, by interval. */
  intervalSelections(grant: Grant): ReadonlyMap<ConflationIntervalMs, Selection> {
    if (this.#intervals.size === 0) return nothingAtIntervals
    const selections = new Map<ConflationIntervalMs, Selection>()
    for (const intervalMs of new Set(this.#intervals.values())) {
      const selection = this.conflatedSelection(grant, intervalMs)
      if (selection.size > 0) selections.set(intervalMs, selection)
    }
    return selections
  }

  /** The lists, policies and intervals as an acknowledgement states them. */
  describe(): Record<string, unknown> {
    const policy: Partial<Record<Channel, Policy>> = {}
    const conflateMs: Partial<Record<Channel, ConflationIntervalMs>> = {}
    const lists: Record<string, unknown> = {}
    for (const channel of channels) {
      const symbols = this.symbols(channel)
      lists[channel] = [...symbols]
      if (symbols.size === 0) continue
      policy[channel] = this.policy(channel)
      const intervalMs = this.#intervals.get(channel)
      if (intervalMs !== undefined) conflateMs[channel] = intervalMs
    }
    return { ...lists, policy, ...(Object.keys(conflateMs).length === 0 ? {} : { conflateMs }) }
  }

  #selectionIn(grant: Grant, isWanted: (channel: Channel) => boolean): Selection {
    const selection = this.selection(grant)
    const wanted = [...selection].filter(([channel]) => isWanted(channel))
    if (wanted.length === 0) return noSelection
    return wanted.length === selection.size ? selection : new Map(wanted)
  }
}

/** The channels that a request names, in its lists or its policies, with those that follow from trades. */
function namedBy({ items, policy }: Wish): Set<Channel> {
  const named = new Set<Channel>([...items.keys(), ...policy.keys()])
  return items.has('trades') ? named.union(followsTrades) : named
}

function policyOf(policies: ReadonlyMap<Channel, Policy>, channel: Channel): Policy {
  return policies.get(channel) ?? defaultPolicies[channel]
}

/** The symbols that a list of names stands for under a grant. */
export function resolve(names: ReadonlySet<string>, grant: Grant): '*' | ReadonlySet<string> {
  return names.has('*') ? grant.symbols : names
}

/** The names of a channel that a grant covers; `*` where it covers any symbol. */
export function entitledNames(channel: Channel, names: Iterable<string>, grant: Grant): Set<string> {
  const seen = new Set<string>()
  if (!entitlesChannel(grant, channel)) return seen
  for (const name of names) if (isSeen(name, grant)) seen.add(name)
  return seen
}

function isSeen(name: string, { symbols }: Grant): boolean {
  return name === '*' ? symbols === '*' || symbols.size > 0 : entitles(symbols, name)
}

/** The first item of a request that the grant does not cover, such as `trades/MSFT`. */
export function firstUnentitled(items: RequestedItems, grant: Grant): string | undefined {
  for (const [channel, symbols] of items) {
    const isCovered = entitlesChannel(grant, channel)
    for (const symbol of symbols) {
      if (!isCovered || !isSeen(symbol, grant)) return `${channel}/${symbol}`
    }
  }
  return undefined
}
