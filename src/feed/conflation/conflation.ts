import type { Channel } from '../../event/event.ts'
import type { Item } from '../last-values/item.ts'
import type { Items } from '../last-values/items.ts'
import { perChannel } from '../last-values/last-value-cache.ts'
import type { Progress } from '../fan-out/audience.ts'
import type { Telling } from './conflated-audience.ts'
import { type MembershipRequest, ConflationInterval } from './conflation-interval.ts'
import { type ConflationIntervalMs, conflationIntervalsMs } from './conflation-intervals.ts'
import type { ConflatedMembership } from './conflated-membership.ts'

/** What was told at intervals since start. */
export interface ConflationCounts {
  /** Events put into frames: one event in the frame of one audience is one. */
  events: number
  /** Events delivered: one event to one subscriber is one. */
  deliveries: number
  /** Bytes handed to subscribers, frame headers included. */
  bytes: number
  /** Tellings that held an event. */
  flushes: number
  /** Events that subscribers were told of as replaced, each time a subscriber. */
  readonly replaced: Record<Channel, number>
  /** Ends of intervals. */
  readonly ticks: Record<'told' | 'put_off', number>
}

export interface ConflationOptions {
  readonly items: Items
  readonly progress: Pick<Progress, 'reached'>
  /** What one tick writes at most to one subscriber, frame headers included, unless one event alone is larger. */
  readonly maxTickBytes?: number
  /** How many subscribers are written to in one turn of the event loop. */
  readonly writesPerTurn?: number
  /** In ms, on a clock that only goes on; intervals end at its multiples of them. */
  readonly steady?: () => number
  /** Calls when the event loop comes round. */
  readonly nextTurn?: (work: () => void) => void
}

/** An interval in use. */
interface Running {
  readonly interval: ConflationInterval
  /** When it ends next. */
  dueMs: number
  timer: NodeJS.Timeout | undefined
}

/** 16 frames have headers, brackets and a comma less. */
const frameRoomBytes = 1024

/**
 * What is told at intervals: the newest event of each item and how many it replaces. All who are told at one interval are told at
 * the same times, the multiples of it on a shared clock, so that those who want the same share their frames.
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
  readonly #running = new Map<ConflationIntervalMs, Running>()
  /** The same, for the way of every event. */
  #intervals: readonly ConflationInterval[] = []
  /** Ends of intervals that not everyone was told of yet. */
  readonly #tellings: Generator<void, void>[] = []
  readonly #turn = { left: 0 }
  #isTurning = false

  constructor(options: ConflationOptions) {
    this.#options = {
      maxTickBytes: 1_048_576,
      writesPerTurn: 250,
      steady: () => performance.now(),
      nextTurn: setImmediate,
      ...options,
    }
  }

  /** How many audiences there are at each interval. */
  get audienceCounts(): ReadonlyMap<ConflationIntervalMs, number> {
    return new Map(
      conflationIntervalsMs.map(intervalMs => [
        intervalMs,
        this.#running.get(intervalMs)?.interval.audienceCount ?? 0,
      ]),
    )
  }

  /** How many different names are wanted, of those that pass; `'*'` is one a channel. */
  countNames(passes: (channel: Channel, name: string) => boolean): number {
    const demands = this.#intervals.map(({ demand }) => demand)
    let count = 0
    for (const [place, demand] of demands.entries()) {
      for (const [channel, name] of demand.names()) {
        const isCounted = demands.slice(0, place).some(earlier => earlier.has(channel, name))
        if (!isCounted && passes(channel, name)) count++
      }
    }
    return count
  }

  /** Whether this very name is wanted at any interval. */
  has(channel: Channel, name: string): boolean {
    return this.#intervals.some(({ demand }) => demand.has(channel, name))
  }

  /** Counts an event of an item for whoever is told of it at intervals. */
  mark(itemNumber: number): void {
    // An iterator would be made for each event.
    for (let index = 0; index < this.#intervals.length; index++) this.#intervals[index]?.mark(itemNumber)
  }

  /** Whether anyone has still to be told of an event of an item. */
  isUndelivered(item: Item): boolean {
    return this.#intervals.some(interval => interval.isUndelivered(item))
  }

  /** An item is forgotten: its number is to stand for another one. */
  forget(item: Item): void {
    for (const interval of this.#intervals) interval.forget(item)
  }

  /** Between two batches: lets those leave who cannot be told of everything, and ends what keeps account of too much. */
  tidy(): void {
    for (const interval of this.#intervals) {
      interval.dismiss()
      if (interval.isFull) this.#options.nextTurn(() => interval.isFull && this.#end(interval))
    }
  }

  /** Gives a subscriber a seat among those who are told at an interval: of everything from now on. */
  join(intervalMs: ConflationIntervalMs, wish: MembershipRequest): ConflatedMembership {
    const { interval } = this.#running.get(intervalMs) ?? this.#start(intervalMs)
    return interval.join(wish)
  }

  #start(intervalMs: ConflationIntervalMs): Running {
    const { items, progress, maxTickBytes } = this.#options
    const running: Running = {
      interval: new ConflationInterval({
        items,
        progress,
        maxTickBytes: Math.max(1, maxTickBytes - frameRoomBytes),
        onTold: (telling, takers) => this.#count(telling, takers),
        onEmpty: () => {
          clearTimeout(running.timer)
          this.#running.delete(intervalMs)
          this.#listIntervals()
        },
      }),
      dueMs: 0,
      timer: undefined,
    }
    this.#running.set(intervalMs, running)
    this.#listIntervals()
    this.#schedule(intervalMs, running)
    return running
  }

  #listIntervals(): void {
    this.#intervals = [...this.#running.values()].map(({ interval }) => interval)
  }

  /** A timer may come early, so the next end is never the one that was. */
  #schedule(intervalMs: ConflationIntervalMs, running: Running): void {
    const nowMs = this.#options.steady()
    const nextMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs
    running.dueMs = nextMs > running.dueMs ? nextMs : running.dueMs + intervalMs
    running.timer = setTimeout(() => {
      this.#schedule(intervalMs, running)
      this.#end(running.interval)
    }, running.dueMs - nowMs)
  }

  /** Where the node is too busy to tell everyone in time, the interval lasts longer. */
  #end(interval: ConflationInterval): void {
    if (interval.isTelling) {
      this.counts.ticks.put_off++
      return
    }
    this.counts.ticks.told++
    interval.freeze()
    this.#tellings.push(interval.tell(this.#turn))
    if (!this.#isTurning) this.#goOn()
  }

  /** Tells as many as a turn allows; those who are told at different intervals take turns. */
  #goOn(): void {
    this.#turn.left = this.#options.writesPerTurn
    while (this.#turn.left > 0) {
      const telling = this.#tellings.shift()
      if (telling === undefined) break
      if (telling.next().done !== true) this.#tellings.push(telling)
    }
    this.#isTurning = this.#tellings.length > 0
    if (this.#isTurning) this.#options.nextTurn(() => this.#goOn())
  }

  #count({ blocks, events, replaced }: Telling, takers: number): void {
    if (events === 0) return
    const { counts } = this
    counts.flushes++
    counts.events += events
    counts.deliveries += events * takers
    for (const block of blocks) counts.bytes += block.framed().length * takers
    for (const [channel, count] of replaced) counts.replaced[channel] += count * takers
  }
}
