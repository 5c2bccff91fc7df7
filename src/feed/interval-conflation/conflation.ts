import type { Channel, MarketEvent } from '../../event/event.ts'
import type { Positions } from '../../wire/coverage.ts'
import type { ActiveFilter } from '../active-filters.ts'
import type { EventBatch } from '../last-values/event-batch.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import { perChannel } from '../last-values/last-value-cache.ts'
import type { Selection } from '../selection.ts'
import type { ConflatedFrames } from './conflated-audience.ts'
import type { ConflatedMembership } from './conflated-membership.ts'
import { ConflationInterval, type MembershipRequest } from './conflation-interval.ts'
import { type ConflationIntervalMs, conflationIntervalsMs } from './conflation-intervals.ts'
import { FilteredIntervals } from './filtered-intervals.ts'

/** Counts of delivery at intervals, since the start. */
export interface ConflationCounts {
  /** Events put into frames: one event in the frames of one cohort is one. */
  events: number
  /** Events delivered: one event to one subscriber is one. */
  deliveries: number
  /** Bytes of payloads handed to subscribers, before compression. */
  bytes: number
  /** Frame sequences that held an event. */
  flushes: number
  /** Events that were replaced by newer ones, counted for each subscriber. */
  readonly replaced: Record<Channel, number>
  /** Ends of intervals. */
  readonly ticks: Record<'told' | 'put_off', number>
}

export interface ConflationOptions {
  readonly items: Items
  readonly progress: { readonly reached: Positions }
  /**
   * The most bytes that a subscriber gets of one interval, unless one event alone is
   * larger.
   */
  readonly maxIntervalBytes?: number
  /**
   * The most bytes of events that are kept until the ends of intervals because these have filters; more end
   * intervals early.
   */
  readonly maxKeptBytes?: number
  /** How many subscribers are written to in one turn of the event loop. */
  readonly writesPerTurn?: number
  /** Milliseconds on a monotonic clock; intervals end at its multiples of their length. */
  readonly steady?: () => number
  /** Calls its argument in the next turn of the event loop. */
  readonly nextTurn?: (work: () => void) => void
}

/** Intervals of one length: without a filter and of each filter. They end together. */
interface RunningIntervals {
  /** By the key of the filter. */
  readonly byFilter: Map<string | undefined, ConflationInterval>
  /** When it ends next. */
  dueMs: number
  timer: NodeJS.Timeout | undefined
}

/** The headers, brackets and commas of 16 frames take less. */
const frameRoomBytes = 1024

/**
 * Delivery at intervals: the newest event of each item, and how many events it replaces. Intervals of the
 * same length end at the same time for all subscribers, at the multiples of their length on a shared clock,
 * so that equal selections share their frames.
 */
export class Conflation {
  readonly counts: ConflationCounts = {
    events: 0,
    deliveries: 0,
    bytes: 0,
    flushes: 0,
    replaced: perChannel(() => 0),
    ticks: { told: 0, put_off: 0 },
  }
  readonly #options: Required<ConflationOptions>
  readonly #running = new Map<ConflationIntervalMs, RunningIntervals>()
  /** The same intervals as lists, for the way of every event. */
  #intervals: readonly ConflationInterval[] = []
  #unfiltered: readonly ConflationInterval[] = []
  readonly #filtered = new FilteredIntervals()
  /** Deliveries that are not complete. */
  readonly #deliveries: Generator<void, void>[] = []
  readonly #budget = { left: 0 }
  #isScheduled = false

  constructor(options: ConflationOptions) {
    this.#options = {
      maxIntervalBytes: 1_048_576,
      maxKeptBytes: 67_108_864,
      writesPerTurn: 250,
      steady: () => performance.now(),
      nextTurn: setImmediate,
      ...options,
    }
  }

  /** The number of audiences by interval. */
  get audienceCounts(): ReadonlyMap<ConflationIntervalMs, number> {
    return new Map(
      conflationIntervalsMs.map(intervalMs => [
        intervalMs,
        [...(this.#running.get(intervalMs)?.byFilter.values() ?? [])].reduce(
          (sum, { audienceCount }) => sum + audienceCount,
          0,
        ),
      ]),
    )
  }

  /** Counts the different names that subscribers selected and that pass; `'*'` is one name per channel. */
  countNames(passes: (channel: Channel, name: string) => boolean): number {
    const counted = perChannel(() => new Set<string>())
    let count = 0
    for (const { subscriberCounts } of this.#intervals) {
      for (const [channel, name] of subscriberCounts.names()) {
        if (counted[channel].has(name)) continue
        counted[channel].add(name)
        if (passes(channel, name)) count++
      }
    }
    return count
  }

  /** Whether a subscriber selected this very name. */
  has(channel: Channel, name: string): boolean {
    return (
      this.#unfiltered.some(({ subscriberCounts }) => subscriberCounts.has(channel, name)) ||
      this.#filtered.has(channel, name)
    )
  }

  /** Counts an event of the batch. */
  mark(batch: EventBatch, index: number, event: MarketEvent): void {
    const number = batch.items[index] ?? 0
    // A `for … of` would allocate an iterator for each event.
    for (let at = 0; at < this.#unfiltered.length; at++) this.#unfiltered[at]?.mark(number, batch, index)
    if (this.#filtered.isEmpty) return
    const item = this.#options.items.at(number)
    if (item !== undefined) this.#filtered.mark(item, { batch, index, event })
  }

  /** Whether any subscriber still has to get an event of the item. */
  isUndelivered(item: Item): boolean {
    const isUndelivered = (interval: ConflationInterval): boolean => interval.isUndelivered(item)
    return this.#unfiltered.some(isUndelivered) || this.#filtered.select(item).some(isUndelivered)
  }

  /** Forgets an item, whose number another item gets. */
  forget(item: Item): void {
    for (const interval of this.#intervals) interval.forget(item)
  }

  /**
   * To be called between two batches: makes subscribers leave that cannot get everything, and ends intervals
   * that are full.
   */
  tidy(): void {
    // Comes with each flush, as a rule without an interval: it is to allocate nothing then.
    if (this.#intervals.length > 0) this.#tidyIntervals()
  }

  #tidyIntervals(): void {
    for (const interval of this.#intervals) {
      interval.dismiss()
      if (interval.isFull) this.#options.nextTurn(() => interval.isFull && this.#end(interval))
    }
    if (!this.#filtered.isEmpty) this.#limitKept()
  }

  /**
   * Makes a subscriber a member of an interval, from which it gets everything from now on. The selection is
   * one of the parts (`Selection.parts`) of what the subscriber wants of the interval.
   */
  join(intervalMs: ConflationIntervalMs, request: MembershipRequest): ConflatedMembership {
    const running = this.#running.get(intervalMs) ?? this.#start(intervalMs)
    const filter = filterOf(request.selection)
    const interval = running.byFilter.get(filter?.key) ?? this.#open(intervalMs, running, filter)
    return interval.join(request)
  }

  /** Where the intervals keep too much because of their filters, ends the one that keeps most. */
  #limitKept(): void {
    const kept = this.#intervals.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
    if (kept <= this.#options.maxKeptBytes) return
    const ended = this.#intervals.filter(({ isDelivering }) => !isDelivering)
    const [largest] = ended.toSorted((one, other) => other.keptBytes - one.keptBytes)
    if (largest !== undefined) this.#options.nextTurn(() => largest.isDelivering || this.#end(largest))
  }

  #start(intervalMs: ConflationIntervalMs): RunningIntervals {
    const running: RunningIntervals = { byFilter: new Map(), dueMs: 0, timer: undefined }
    this.#running.set(intervalMs, running)
    this.#schedule(intervalMs, running)
    return running
  }

  #open(
    intervalMs: ConflationIntervalMs,
    running: RunningIntervals,
    filter: ActiveFilter | undefined,
  ): ConflationInterval {
    const { items, progress, maxIntervalBytes } = this.#options
    const interval = new ConflationInterval({
      items,
      progress,
      maxIntervalBytes: Math.max(1, maxIntervalBytes - frameRoomBytes),
      filter,
      onDelivered: (frames, receivers) => this.#count(frames, receivers),
      onOpened: selection => filter && this.#filtered.add(interval, selection),
      onReleased: selection => filter && this.#filtered.remove(interval, selection),
      onEmpty: () => {
        running.byFilter.delete(filter?.key)
        if (running.byFilter.size === 0) this.#stop(intervalMs, running)
        this.#listIntervals()
      },
    })
    running.byFilter.set(filter?.key, interval)
    this.#listIntervals()
    return interval
  }

  #stop(intervalMs: ConflationIntervalMs, running: RunningIntervals): void {
    clearTimeout(running.timer)
    this.#running.delete(intervalMs)
  }

  #listIntervals(): void {
    this.#intervals = [...this.#running.values()].flatMap(({ byFilter }) => [...byFilter.values()])
    this.#unfiltered = this.#intervals.filter(({ filter }) => filter === undefined)
  }

  /** A timer may fire early; the same end is not scheduled twice. */
  #schedule(intervalMs: ConflationIntervalMs, running: RunningIntervals): void {
    const nowMs = this.#options.steady()
    const nextMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs
    running.dueMs = nextMs > running.dueMs ? nextMs : running.dueMs + intervalMs
    running.timer = setTimeout(() => {
      this.#schedule(intervalMs, running)
      for (const interval of running.byFilter.values()) this.#end(interval)
    }, running.dueMs - nowMs)
  }

  /** Where the node is too busy to deliver in time, the interval lasts longer. */
  #end(interval: ConflationInterval): void {
    if (interval.isDelivering) {
      this.counts.ticks.put_off++
      return
    }
    this.counts.ticks.told++
    interval.end()
    this.#deliveries.push(interval.deliver(this.#budget))
    if (!this.#isScheduled) this.#deliver()
  }

  /** Delivers as much as one turn allows. Intervals take turns. */
  #deliver(): void {
    this.#budget.left = this.#options.writesPerTurn
    while (this.#budget.left > 0) {
      const delivery = this.#deliveries.shift()
      if (delivery === undefined) break
      if (delivery.next().done !== true) this.#deliveries.push(delivery)
    }
    this.#isScheduled = this.#deliveries.length > 0
    if (this.#isScheduled) this.#options.nextTurn(() => this.#deliver())
  }

  #count({ frames, events, replaced }: ConflatedFrames, receivers: number): void {
    if (events === 0) return
    const { counts } = this
    counts.flushes++
    counts.events += events
    counts.deliveries += events * receivers
    for (const frame of frames) counts.bytes += frame.length * receivers
    for (const [channel, count] of replaced) counts.replaced[channel] += count * receivers
  }
}

/** Returns the filter of a part: all its channels have none, or it is one channel. */
function filterOf(selection: Selection): ActiveFilter | undefined {
  const [channel] = selection.symbols.keys()
  return channel === undefined ? undefined : selection.filterOf(channel)
}
