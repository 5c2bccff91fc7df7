import type { Channel } from '../../event/event.ts'
import type { ConflationIntervalMs } from '../../feed/interval-conflation/conflation-intervals.ts'
import type {
  ConflatedMembership,
  ConflatedSubscriber,
  Undelivered,
} from '../../feed/interval-conflation/conflated-membership.ts'
import type { Audience, Subscriber } from '../../feed/fan-out/audience.ts'
import type { Feed } from '../../feed/feed.ts'
import type { Selection } from '../../feed/selection.ts'
import type { Payload } from '../../wire/payload.ts'
import type { DeltaBases, WireForm } from '../../wire/wire-form.ts'
import type { StartPosition } from '../catch-up/window-read.ts'

/**
 * What a client selects: for a live reader by when it is delivered, for one that is behind by whether every
 * event is.
 */
export interface Selections {
  /** Delivered at once. */
  readonly live: Selection
  readonly intervals: ReadonlyMap<ConflationIntervalMs, Selection>
  readonly every: Selection
  readonly conflated: Selection
}

/** The reader that has the memberships. */
export interface LiveReceiver extends Subscriber, ConflatedSubscriber {
  readonly form: WireForm
  /** Writes a frame of data. */
  send(frame: Payload): void
}

/** From where on the channels of one interval were not delivered. */
export interface IntervalPosition {
  readonly channels: ReadonlySet<Channel>
  readonly starts: readonly StartPosition[]
  /** Whether everything before was delivered; otherwise some of it was not either. */
  readonly isWhole: boolean
}

/** Where a reader was when it left. */
export interface LeftPositions {
  /** Of what is delivered at once. */
  readonly live: readonly StartPosition[]
  readonly intervals: readonly IntervalPosition[]
}

/** A membership of an interval, for the channels without a filter or for one that has one. */
interface IntervalMembership {
  readonly membership: ConflatedMembership
  readonly selection: Selection
}

/** By interval and selection. */
type IntervalMemberships = Map<string, IntervalMembership>

/** Of a reader without intervals; never changed. */
const noIntervals: IntervalMemberships = new Map()

/**
 * What a live reader is a member of: the audience of what is delivered at once, and conflated audiences
 * for each of its intervals.
 */
export class LiveMemberships {
  /** What the client has to know before live frames, if its wire form needs that. */
  readonly deltaBases: DeltaBases | undefined
  readonly #feed: Feed
  readonly #receiver: LiveReceiver
  #audience: Audience | undefined
  /**
   * Where the feed was when the reader joined, by the number of the partition: it has got everything before.
   */
  #joinedAt: readonly number[] | undefined
  #intervals = noIntervals
  /** The selection that the delta bases are for. */
  #preparedKey = ''

  constructor(feed: Feed, receiver: LiveReceiver) {
    this.#feed = feed
    this.#receiver = receiver
    this.deltaBases = receiver.form.createDeltaBases?.()
  }

  /**
   * Sends some of the delta bases that live frames need. Returns whether the rest is little: then `join`
   * sends it.
   */
  prepare({ live }: Selections): boolean {
    const key = live.key
    // Without an audience, whatever is delivered next begins where the feed is then.
    if (this.#audience === undefined) this.#joinedAt = undefined
    if (this.deltaBases === undefined) return true
    if (key !== this.#preparedKey) this.deltaBases.renew()
    this.#preparedKey = key
    return this.deltaBases.advance(
      visit => this.#visit(live, visit),
      frame => this.#receiver.send(frame),
    )
  }

  /**
   * Changes to other selections between two batches, so that positions told together with it are exact.
   * Returns false if a conflated event was still to be delivered and no membership delivers it now: the
   * client needs the current values.
   */
  join(selections: Selections): boolean {
    const feed = this.#feed
    const receiver = this.#receiver
    // A new member gets what comes from now on, not what is pending.
    feed.flush()
    const { live } = selections
    const former = this.#audience
    this.#audience = live.size > 0 ? feed.fanOut.join(receiver, live, receiver.form) : undefined
    if (former !== this.#audience || live.size === 0) this.#joinedAt = feed.reached()
    if (former !== this.#audience) {
      if (former !== undefined) feed.fanOut.leave(receiver, former)
      this.#complete(selections)
    }
    return this.#joinIntervals(selections)
  }

  /**
   * Gives all memberships up, between two batches or while the reader refuses a frame, which has not reached
   * it then.
   */
  leave(): LeftPositions {
    const feed = this.#feed
    const audience = this.#audience
    const { positions } = feed
    const live = positions.map(({ number, offset }) => ({
      number,
      offset:
        this.#joinedAt === undefined
          ? offset
          : Math.max(audience?.coveredAt(number) ?? feed.beginOf(number), this.#joinedAt[number] ?? 0),
    }))
    const intervals = [...this.#intervals.values()].map(({ membership, selection }): IntervalPosition => {
      const { positions: delivered, isComplete: isWhole } = membership.leave()
      const starts = positions.map(({ number }) => ({
        number,
        offset: delivered[number] ?? feed.beginOf(number),
      }))
      return { channels: new Set(selection.symbols.keys()), starts, isWhole }
    })
    if (audience !== undefined) feed.fanOut.leave(this.#receiver, audience)
    this.#audience = undefined
    this.#intervals = noIntervals
    this.deltaBases?.suspend()
    return { live, intervals }
  }

  #complete(selections: Selections): void {
    const audience = this.#audience
    if (this.deltaBases === undefined || audience === undefined) return
    this.prepare(selections)
    const coverage = this.#feed.positions.map(({ number }) => [number, audience.coveredAt(number)] as const)
    this.deltaBases.complete(
      visit => this.#visit(selections.live, visit),
      coverage,
      frame => this.#receiver.send(frame),
    )
  }

  /** Visits the items of which the receiver is sent every event, and so needs nothing but changes. */
  #visit(selection: Selection, visit: (item: number) => void): void {
    const { items } = this.#feed.lastValues
    for (const [channel, symbols] of selection.symbols) {
      if (selection.filterOf(channel) !== undefined) continue
      if (symbols === '*') for (const item of items.of(channel).values()) visit(item.number)
      else
        for (const symbol of symbols) {
          const item = items.find(channel, symbol)
          if (item !== undefined) visit(item.number)
        }
    }
  }

  #joinIntervals({ intervals, live }: Selections): boolean {
    if (intervals.size === 0 && this.#intervals.size === 0) return true
    const feed = this.#feed
    const subscriber = this.#receiver
    const { form } = subscriber
    const wanted = partsOf(intervals)
    const leaving = [...this.#intervals].flatMap(([key, left]) => (wanted.has(key) ? [] : [left]))
    const undelivered = leaving.flatMap(({ membership }) => membership.undelivered() ?? [])
    const memberships: IntervalMemberships = new Map()
    for (const [key, { intervalMs, selection }] of wanted) {
      const request = { subscriber, selection, form, undelivered }
      const membership = this.#intervals.get(key)?.membership ?? feed.conflation.join(intervalMs, request)
      memberships.set(key, { membership, selection })
    }
    this.#intervals = memberships.size === 0 ? noIntervals : memberships
    const selections = [live, ...intervals.values()]
    const isDelivered = undelivered.every(events => this.#isTaken(events, selections))
    for (const { membership } of leaving) membership.leave()
    return isDelivered
  }

  /** Whether none of some events is selected otherwise than it was: at once, or with another filter. */
  #isTaken({ filterKey, counts }: Undelivered, [live, ...intervals]: readonly Selection[]): boolean {
    const { items } = this.#feed.lastValues
    for (const number of counts.keys()) {
      const item = items.at(number)
      if (item === undefined) continue
      const { channel, symbol } = item
      if (live?.selects(channel, symbol) === true) return false
      const selection = intervals.find(each => each.selects(channel, symbol))
      if (selection !== undefined && selection.filterOf(channel)?.key !== filterKey) return false
    }
    return true
  }
}

/** A part of what is delivered at an interval. */
interface IntervalPart {
  readonly intervalMs: ConflationIntervalMs
  readonly selection: Selection
}

/** Returns the parts by interval and selection. */
function partsOf(intervals: Selections['intervals']): ReadonlyMap<string, IntervalPart> {
  const parts = new Map<string, IntervalPart>()
  for (const [intervalMs, { parts: selections }] of intervals)
    for (const selection of selections) parts.set(`${intervalMs} ${selection.key}`, { intervalMs, selection })
  return parts
}
