import type { Channel, MarketEvent } from '../event/event.ts'
import type { Filter } from '../filter/filter.ts'

export interface ActiveFiltersOptions {
  /** How many different filters may be in use. */
  readonly maxFilters: number
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/** The filters of some channels. */
export type FiltersByChannel = ReadonlyMap<Channel, ActiveFilter>

/** One evaluation of so many is measured; a power of two. */
const sampled = 256

/** Counts the evaluations of all filters, and measures some of them. */
class EvaluationCounts {
  evaluations = 0
  #milliseconds = 0
  /** The most that was read: what is measured may also fall a little. */
  #seconds = 0
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** The time that evaluations took, by the measured ones. */
  get seconds(): number {
    this.#seconds = Math.max(this.#seconds, (this.#milliseconds * sampled) / 1000)
    return this.#seconds
  }

  evaluate(filter: Filter, event: MarketEvent): boolean {
    return ++this.evaluations % sampled === 0 ? this.#measured(filter, event) : filter.matches(event)
  }

  /** Reading the clock takes longer than an evaluation, so that its own time is taken off. */
  #measured(filter: Filter, event: MarketEvent): boolean {
    const beforeMs = this.#now()
    const startMs = this.#now()
    const isMatch = filter.matches(event)
    const endMs = this.#now()
    this.#milliseconds += endMs - startMs - (startMs - beforeMs)
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
 * An event costs an evaluation of each filter that is asked about it, so that their number is limited.
 */
export class ActiveFilters {
  readonly maxFilters: number
  readonly #counts: EvaluationCounts
  readonly #filters = new Map<string, ActiveFilter>()

  constructor({ maxFilters, now = () => performance.now() }: ActiveFiltersOptions) {
    this.maxFilters = maxFilters
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
   * Returns the filters to be used in place of equal ones, until they are released or exchanged. They take
   * the place of `former`, which are released. `undefined` if there would be too many filters: then nothing
   * has changed.
   */
  exchange(former: FiltersByChannel, wanted: Iterable<Filter>): FiltersByChannel | undefined {
    const acquired = new Map<Channel, ActiveFilter>()
    for (const filter of wanted) {
      const active = this.#filters.get(filter.key) ?? this.#add(filter)
      active.uses++
      acquired.set(filter.channel, active)
    }
    const ending = [...former.values()].filter(({ uses }) => uses === 1).length
    const isFull = this.size - ending > this.maxFilters
    this.release(isFull ? acquired : former)
    return isFull ? undefined : acquired
  }

  release(filters: FiltersByChannel): void {
    for (const filter of filters.values()) if (--filter.uses === 0) this.#filters.delete(filter.key)
  }

  #add(filter: Filter): ActiveFilter {
    const active = new ActiveFilter(filter, this.#counts)
    this.#filters.set(filter.key, active)
    return active
  }
}
