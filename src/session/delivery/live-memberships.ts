import type { Channel } from '../../event/event.ts'
import type { Audience, Subscriber } from '../../feed/fan-out/audience.ts'
import type { Feed } from '../../feed/feed.ts'
import { type Selection, selectionKey, selects } from '../../feed/selection.ts'
import type { ConflationIntervalMs } from '../../feed/conflation/conflation-intervals.ts'
import type {
  ConflatedSubscriber,
  ItemCounts,
  ConflatedMembership,
} from '../../feed/conflation/conflated-membership.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { DeltaBases, WireForm } from '../../wire/wire-form.ts'
import type { StartPosition } from '../catch-up/window-read.ts'

/** What a reader receives: at once, and at intervals; and, when it is behind, all of what, and of what only the newest. */
export interface Selections {
  readonly live: Selection
  readonly intervals: ReadonlyMap<ConflationIntervalMs, Selection>
  readonly every: Selection
  readonly conflated: Selection
}

/** Who has the seats. */
export interface LiveReceiver extends Subscriber, ConflatedSubscriber {
  readonly form: WireForm
  /** Writes a frame. */
  send(block: PreparedFrame): void
}

/** From where on a reader has not been told of the channels of one interval. */
export interface Untold {
  readonly channels: ReadonlySet<Channel>
  readonly starts: readonly StartPosition[]
  /** Whether that says it all; if not, some of what lies before was not told either. */
  readonly isWhole: boolean
}

/** Where a reader was when it left. */
export interface Left {
  /** Of what is told at once. */
  readonly live: readonly StartPosition[]
  readonly intervals: readonly Untold[]
}

interface IntervalSeat {
  readonly seat: ConflatedMembership
  readonly selection: Selection
}

/** Of who is told nothing at intervals; never changed. */
const noIntervals = new Map<ConflationIntervalMs, IntervalSeat>()

/** The places of a reader that is live: in the audience of what it gets at once, and among those that are told at each of its intervals. */
export class LiveMemberships {
  readonly #feed: Feed
  readonly #holder: LiveReceiver
  #audience: Audience | undefined
  /** Where the feed was when the seats were taken, by the number of the partition: as far as the reader was told, at least. */
  #takenAt: readonly number[] | undefined
  #intervals = noIntervals
  /** What the reader has to know before live frames, if their form asks for it, and of which interest. */
  readonly deltaBases: DeltaBases | undefined
  #prefaced = ''

  constructor(feed: Feed, holder: LiveReceiver) {
    this.#feed = feed
    this.#holder = holder
    this.deltaBases = holder.form.createDeltaBases?.()
  }

  /** Tells some of what is to be known before live frames; whether the rest is little, and is told when the seats are taken. */
  prepare({ live }: Selections): boolean {
    const key = selectionKey(live)
    // Without an audience, whatever is told next is told from where the feed is then.
    if (this.#audience === undefined) this.#takenAt = undefined
    if (this.deltaBases === undefined) return true
    if (key !== this.#prefaced) this.deltaBases.renew()
    this.#prefaced = key
    return this.deltaBases.advance(
      visit => this.#visit(live, visit),
      block => this.#holder.send(block),
    )
  }

  /**
   * Changes to the places of other interests, between two batches, so that the positions told with it are exact. False if a
   * conflated event was still to be told that is told nowhere now: the current values are to be sent.
   */
  take(interests: Selections): boolean {
    const feed = this.#feed
    const holder = this.#holder
    // Who joins gets what comes now, not what is still to be written.
    feed.flush()
    const { live } = interests
    const former = this.#audience
    this.#audience = live.size > 0 ? feed.fanout.join(holder, live, holder.form) : undefined
    if (former !== this.#audience || live.size === 0) this.#takenAt = feed.reached()
    if (former !== this.#audience) {
      if (former !== undefined) feed.fanout.leave(holder, former)
      this.#complete(interests)
    }
    return this.#takeIntervals(interests)
  }

  /** Leaves all of them; where it was. The frame that it was to get has not reached it. */
  leave(): Left {
    const feed = this.#feed
    const audience = this.#audience
    feed.flush()
    const { positions } = feed
    const live = positions.map(({ number, offset }) => ({
      number,
      offset:
        this.#takenAt === undefined
          ? offset
          : Math.max(audience?.coveredAt(number) ?? feed.beginOf(number), this.#takenAt[number] ?? 0),
    }))
    const intervals = [...this.#intervals.values()].map(({ seat, selection }): Untold => {
      const { positions: told, isComplete: isWhole } = seat.leave()
      const starts = positions.map(({ number }) => ({ number, offset: told[number] ?? feed.beginOf(number) }))
      return { channels: new Set(selection.keys()), starts, isWhole }
    })
    if (audience !== undefined) feed.fanout.leave(this.#holder, audience)
    this.#audience = undefined
    this.#intervals = noIntervals
    this.deltaBases?.suspend()
    return { live, intervals }
  }

  #complete(interests: Selections): void {
    const audience = this.#audience
    if (this.deltaBases === undefined || audience === undefined) return
    this.prepare(interests)
    const coverage = this.#feed.positions.map(({ number }) => [number, audience.coveredAt(number)] as const)
    this.deltaBases.complete(
      visit => this.#visit(interests.live, visit),
      coverage,
      block => this.#holder.send(block),
    )
  }

  #visit(selection: Selection, visit: (item: number) => void): void {
    const { items } = this.#feed.lastValues
    for (const [channel, symbols] of selection) {
      if (symbols === '*') for (const item of items.of(channel).values()) visit(item.number)
      else
        for (const symbol of symbols) {
          const item = items.find(channel, symbol)
          if (item !== undefined) visit(item.number)
        }
    }
  }

  #takeIntervals({ intervals, live }: Selections): boolean {
    if (intervals.size === 0 && this.#intervals.size === 0) return true
    if (this.#intervals === noIntervals) this.#intervals = new Map()
    const feed = this.#feed
    const subscriber = this.#holder
    const { form } = subscriber
    const leaving = [...this.#intervals].filter(
      ([intervalMs, { selection }]) => !isSame(selection, intervals.get(intervalMs)),
    )
    const undelivered = merged(leaving.map(([, { seat }]) => seat.undelivered()))
    for (const [intervalMs] of leaving) this.#intervals.delete(intervalMs)
    for (const [intervalMs, selection] of intervals) {
      if (this.#intervals.has(intervalMs)) continue
      const seat = feed.conflation.join(intervalMs, { subscriber, selection, form, undelivered })
      this.#intervals.set(intervalMs, { seat, selection })
    }
    for (const [, { seat }] of leaving) seat.leave()
    const { items } = feed.lastValues
    return ![...undelivered.keys()].some(number => {
      const item = items.at(number)
      return item !== undefined && selects(live, item.channel, item.symbol)
    })
  }
}

function isSame(selection: Selection, other: Selection | undefined): boolean {
  return other !== undefined && selectionKey(selection) === selectionKey(other)
}

function merged(all: readonly ItemCounts[]): ItemCounts {
  const sum = new Map<number, number>()
  for (const events of all)
    for (const [number, count] of events) sum.set(number, (sum.get(number) ?? 0) + count)
  return sum
}
