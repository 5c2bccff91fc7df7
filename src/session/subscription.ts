import { entitles, entitlesChannel, type Grant } from '../auth/grant.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Interest } from '../fanout/interest.ts'
import type { Policy, RequestedItems, SubscribeMessage } from './client-message.ts'

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

/** Corrections and cancels mend trades, so whoever subscribes to trades receives theirs. */
const followsTrades: ReadonlySet<Channel> = new Set(['corrections', 'cancelErrors'])

type Named = ReadonlyMap<Channel, ReadonlySet<string>>

/** What one session has asked for; never changed, but replaced. */
export class Subscription {
  static readonly none = new Subscription(new Map(), new Map())

  readonly #named: Named
  readonly #policies: ReadonlyMap<Channel, Policy>

  private constructor(named: Named, policies: ReadonlyMap<Channel, Policy>) {
    this.#named = named
    this.#policies = policies
  }

  /** How many items are named; `*` counts as one a channel, what follows trades as none. */
  get size(): number {
    let size = 0
    for (const symbols of this.#named.values()) size += symbols.size
    return size
  }

  with(request: Pick<SubscribeMessage, 'items' | 'policy'>): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of request.items) {
      named.set(channel, new Set(named.get(channel)).union(new Set(symbols)))
    }
    return new Subscription(named, new Map([...this.#policies, ...request.policy]))
  }

  without(items: RequestedItems): Subscription {
    const named = new Map(this.#named)
    for (const [channel, symbols] of items) {
      const rest = new Set(named.get(channel)).difference(new Set(symbols))
      if (rest.size > 0) named.set(channel, rest)
      else named.delete(channel)
    }
    return new Subscription(named, this.#policies)
  }

  /** What of it a grant entitles to; the same object where that is everything. */
  under(grant: Grant): Subscription {
    const named = new Map<Channel, ReadonlySet<string>>()
    for (const [channel, symbols] of this.#named) {
      const seen = entitledNames(channel, symbols, grant)
      if (seen.size > 0) named.set(channel, seen)
    }
    const narrowed = new Subscription(named, this.#policies)
    return narrowed.size === this.size ? this : narrowed
  }

  /** The symbols of a channel as the client named them, with those that follow from trades. */
  symbols(channel: Channel): ReadonlySet<string> {
    const own = this.#named.get(channel) ?? new Set<string>()
    return followsTrades.has(channel) ? own.union(this.#named.get('trades') ?? new Set()) : own
  }

  policy(channel: Channel): Policy {
    return this.#policies.get(channel) ?? defaultPolicies[channel]
  }

  /** What is delivered under a grant: `*` is every symbol that it entitles to. */
  interest(grant: Grant): Interest {
    const interest = new Map<Channel, '*' | ReadonlySet<string>>()
    for (const channel of channels) {
      const symbols = resolve(this.symbols(channel), grant)
      if (symbols === '*' || symbols.size > 0) interest.set(channel, symbols)
    }
    return interest
  }

  /** The same of the channels of one policy. */
  interestOf(policy: Policy, grant: Grant): Interest {
    return new Map([...this.interest(grant)].filter(([channel]) => this.policy(channel) === policy))
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

  /** The lists and policies as an acknowledgement states them. */
  describe(): Record<string, unknown> {
    const policy: Partial<Record<Channel, Policy>> = {}
    const lists: Record<string, unknown> = {}
    for (const channel of channels) {
      const symbols = this.symbols(channel)
      lists[channel] = [...symbols]
      if (symbols.size > 0) policy[channel] = this.policy(channel)
    }
    return { ...lists, policy }
  }
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
