import type { Channel, MarketEvent } from '../event/event.ts'
import type { Filter } from '../filter/filter.ts'

export interface ActiveFiltersOptions {
  /** How many different filters may be in use. */
  readonly maxFilters: number
  /** How many of them one user may use; as many if left out. */
  readonly maxFiltersPerUser?: number
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/** Who has as many different filters as allowed. */
export type FilterShortage = 'user' | 'node'

/** The filters of some channels. */
export type FiltersByChannel = ReadonlyMap<Channel, ActiveFilter>

/** One evaluation of so many is measured; a power of two. */
const sampled = 256
/** No evaluation takes longer: the process was interrupted, which would count as often as a sample does. */
const longestMs = 0.1

/** Counts the evaluations of all filters, and measures some of them. */
class EvaluationCounts {
  evaluations = 0
  #milliseconds = 0
  /** What reading the clock takes: the least that was seen. */
  #readingMs = Number.POSITIVE_INFINITY
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** The time that evaluations took, by the measured ones. */
  get seconds(): number {
    return (this.#milliseconds * sampled) / 1000
  }

  evaluate(filter: Filter, event: MarketEvent): boolean {
    return ++this.evaluations % sampled === 0 ? this.#measured(filter, event) : filter.matches(event)
  }

  /**
   * Reading the clock takes about as long as an evaluation, so that its own time is taken off. The least one:
   * the first of several readings takes longer than the next ones, at times longer than the evaluation.
   */
  #measured(filter: Filter, event: MarketEvent): boolean {
    const beforeMs = this.#now()
    const startMs = this.#now()
    const isMatch = filter.matches(event)
    const endMs = this.#now()
    this.#readingMs = Math.min(this.#readingMs, startMs - beforeMs)
    this.#milliseconds += Math.min(longestMs, Math.max(0, endMs - startMs - this.#readingMs))
    return isMatch
  }
}

/** A filter that sessions use: one object for all equal ones. */
export class ActiveFilter implements Filter {
  readonly channel: Channel
  readonly key: string
  readonly expression: object
  /** How often it was acquired and not yet released. */
  uses = 0
  readonly #filter: Filter
  readonly #counts: EvaluationCounts
  #lastEvent: MarketEvent | undefined
  #isAccepted = false

  constructor(filter: Filter, counts: EvaluationCounts) {
    this.channel = filter.channel
    this.key = filter.key
    this.expression = filter.expression
    this.#filter = filter
    this.#counts = counts
  }

  matches(event: MarketEvent): boolean {
    return this.#counts.evaluate(this.#filter, event)
  }

  /** The same, evaluated once however often it is asked about an event before the next one. */
  accepts(event: MarketEvent): boolean {
    if (event === this.#lastEvent) return this.#isAccepted
    this.#lastEvent = event
    this.#isAccepted = this.#counts.evaluate(this.#filter, event)
    return this.#isAccepted
  }
}

/**
 * The filters that the sessions of a process use, each once: the events of all feeds are evaluated by them.
 * An event costs an evaluation of each filter that is asked about it, so that their number is limited, also
 * for each user, whoever else uses the same ones.
 */
export class ActiveFilters {
  readonly maxFilters: number
  readonly maxFiltersPerUser: number
  readonly #counts: EvaluationCounts
  readonly #filters = new Map<string, ActiveFilter>()
  /** By user: how often each filter is in use. */
  readonly #usesOfUsers = new Map<string, Map<ActiveFilter, number>>()

  constructor({
    maxFilters,
    maxFiltersPerUser = maxFilters,
    now = () => performance.now(),
  }: ActiveFiltersOptions) {
    this.maxFilters = maxFilters
    this.maxFiltersPerUser = maxFiltersPerUser
    this.#counts = new EvaluationCounts(now)
  }

  /** How many different filters are in use. */
  get size(): number {
    return this.#filters.size
  }

  /** How often any filter was evaluated. */
  get evaluations(): number {
    return this.#counts.evaluations
  }

  /** The time that these evaluations took, from samples. */
  get seconds(): number {
    return this.#counts.seconds
  }

  /**
   * Returns the filters that a user's session may use in place of equal ones, until they are released or
   * exchanged. They take the place of `former`, which are released. If there would be too many filters of
   * this user, or of all, returns whose: then nothing has changed.
   */
  exchange(former: FiltersByChannel, wanted: Iterable<Filter>, user = ''): FiltersByChannel | FilterShortage {
    const acquired = new Map<Channel, ActiveFilter>()
    for (const filter of wanted) {
      const active = this.#filters.get(filter.key) ?? this.#add(filter)
      this.#use(active, user)
      acquired.set(filter.channel, active)
    }
    const shortage = this.#shortage([...former.values()], user)
    this.release(shortage === undefined ? former : acquired, user)
    return shortage ?? acquired
  }

  release(filters: FiltersByChannel, user = ''): void {
    const uses = this.#usesOfUsers.get(user)
    for (const filter of filters.values()) {
      if (--filter.uses === 0) this.#filters.delete(filter.key)
      const rest = (uses?.get(filter) ?? 0) - 1
      if (rest > 0) uses?.set(filter, rest)
      else uses?.delete(filter)
    }
    if (uses?.size === 0) this.#usesOfUsers.delete(user)
  }

  /** Returns whose limit is not kept even when a user has released some filters. */
  #shortage(former: readonly ActiveFilter[], user: string): FilterShortage | undefined {
    const uses = this.#usesOfUsers.get(user)
    const ofUser = (uses?.size ?? 0) - former.filter(filter => uses?.get(filter) === 1).length
    if (ofUser > this.maxFiltersPerUser) return 'user'
    const ofAll = this.size - former.filter(filter => filter.uses === 1).length
    return ofAll > this.maxFilters ? 'node' : undefined
  }

  #add(filter: Filter): ActiveFilter {
    const active = new ActiveFilter(filter, this.#counts)
    this.#filters.set(filter.key, active)
    return active
  }

  #use(filter: ActiveFilter, user: string): void {
    filter.uses++
    const uses = this.#usesOfUsers.get(user) ?? new Map<ActiveFilter, number>()
    this.#usesOfUsers.set(user, uses.set(filter, (uses.get(filter) ?? 0) + 1))
  }
}
