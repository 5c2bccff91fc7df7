import type { Channel, MarketEvent } from '../event/event.ts'
import type { Partition, Position } from '../event/log-record.ts'
import type { Positions } from '../wire/coverage.ts'
import type { LiveEvents, WireForms } from '../wire/wire-form.ts'
import { Conflation } from './interval-conflation/conflation.ts'
import { FanOut } from './fan-out/fan-out.ts'
import { FlushScheduler } from './flush-scheduler.ts'
import type { Item } from './last-values/item.ts'
import type { ItemUse } from './last-values/items.ts'
import { type EventOrigin, LastValueCache } from './last-values/last-value-cache.ts'
import { MatchingValues } from './last-values/matching-values.ts'
import type { Outage } from './outage.ts'
import { ReadContext } from './recent-events/read-buffer.ts'
import { RecentEvents } from './recent-events/recent-events.ts'
import type { WindowLimits } from './recent-events/segment-budget.ts'
import { ListenerList } from '../system/listener-list.ts'

/** How far a feed has read a partition, and how far it could have. */
export interface FeedPosition extends Position {
  /** The last stable offset known. */
  readonly stable: number
}

/** A feed position with the number of the partition, which stands for it in frames. */
export interface NumberedPosition extends FeedPosition {
  readonly number: number
}

/** Offsets of a partition that this node can no longer read. */
export interface LostOffsets {
  /** Stands for the partition in frames. */
  readonly number: number
  readonly from: number
  readonly to: number
}

export interface FeedOptions {
  /** Names it to clients and operators; `live` if left out. */
  readonly name?: string
  /** How much later than the log it gives each event; 0 if left out. */
  readonly delayMs?: number
  readonly maxItems: number
  /** Limits of the recent events. */
  readonly window: WindowLimits
  /** How long an event may wait for further events while the node is busy writing. */
  readonly flushDelayMs: number
  /** Returns the wire forms of its events. `batch`: the batch that it is adding events to. */
  readonly createForms: (batch: LiveEvents) => WireForms
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number
}

/** With so many pending events a flush does not wait. */
const maxPending = 4096

/**
 * A log as its subscribers see it: its last values, its recent events, how far it was read, and the delivery
 * of its events, live (`fanOut`) or at intervals (`conflation`).
 */
export class Feed {
  readonly name: string
  readonly delayMs: number
  readonly lastValues: LastValueCache
  readonly fanOut: FanOut
  readonly conflation: Conflation
  /** The recent events, for readers that are behind. */
  readonly window: RecentEvents
  /** The current values of filtered channels. */
  readonly matchingValues: MatchingValues
  /** Memory that these readers use in turn. */
  readonly readContext = new ReadContext()
  readonly forms: WireForms
  /**
   * Everything since this time (ms on a monotonic clock) was read; `undefined`: everything that the log still
   * has.
   */
  lookedBackToMs: number | undefined
  /** Returns why the log is not read at the moment; `undefined` while it is. */
  outage: () => Outage | undefined = () => undefined
  /** Called with offsets that this node can no longer read. */
  readonly onLost = new ListenerList<LostOffsets>()
  /** Called with partitions that are new here, were recreated or cut back, before their first event. */
  readonly onPartition = new ListenerList<NumberedPosition>()
  /** Called after each flush. */
  readonly onFlushed = new ListenerList<void>()
  readonly #scheduler: FlushScheduler
  readonly #write = (): void => this.#writeBatch()
  #isFlushing = false
  /**
   * Why a flush failed. Nothing follows: how much of it the subscribers have is not known, and the next
   * frames would claim all of it.
   */
  #fault: { readonly error: unknown } | undefined
  readonly #positions = new Map<Partition, NumberedPosition>()
  /** The positions as a list, until one of them changes: many readers ask for it. */
  #positionList: readonly NumberedPosition[] | undefined
  readonly #numbers = new Map<Partition, number>()
  /** By partition number: where the partition began for this node, and how far it was read. */
  readonly #begins: Positions = []
  readonly #reached: Positions = []
  /** By partition number: the value of `moves` when the partition was last read further. */
  readonly #movedAt: number[] = []
  #moves = 0

  constructor(options: FeedOptions) {
    this.name = options.name ?? 'live'
    this.delayMs = options.delayMs ?? 0
    this.lastValues = new LastValueCache(options)
    this.forms = options.createForms(this.lastValues.batch)
    this.window = new RecentEvents(options.window)
    this.matchingValues = new MatchingValues({ lastValues: this.lastValues, window: this.window })
    const flush = (): void => this.flush()
    this.#scheduler = new FlushScheduler({ ...options, maxDelayMs: options.flushDelayMs, flush })
    const { items } = this.lastValues
    const progress = { begins: this.#begins, reached: this.#reached }
    this.fanOut = new FanOut(items, progress)
    this.conflation = new Conflation({ items, progress })
    items.useOf = item => this.#useOf(item)
    items.onForgotten = item => this.#forgetItem(item)
  }

  /**
   * Since when snapshots of some channels have every item that had an event: ms on a monotonic clock;
   * `undefined`: since the log began.
   */
  completeSinceMs(channels: Iterable<Channel>): number | undefined {
    let sinceMs = this.lookedBackToMs
    for (const channel of channels) {
      const forgottenMs = this.lastValues.forgottenMs[channel]
      if (forgottenMs !== undefined) sinceMs = Math.max(sinceMs ?? -Infinity, forgottenMs + 1)
    }
    return sinceMs
  }

  /** The number of different names that subscribers selected; `'*'` is one name per channel. */
  get subscribedItems(): number {
    const { fanOut, conflation } = this
    return fanOut.subscribedItems + conflation.countNames((channel, name) => !fanOut.has(channel, name))
  }

  /**
   * The next position of every partition, in the order in which the partitions were first seen. `flush`
   * writes everything before.
   */
  get positions(): readonly NumberedPosition[] {
    return (this.#positionList ??= [...this.#positions.values()])
  }

  /** Returns a copy of the next offsets, by partition number. `flush` writes everything before. */
  reached(): readonly number[] {
    return [...this.#reached]
  }

  /** How often any partition was read further. */
  get moves(): number {
    return this.#moves
  }

  /**
   * Returns the partitions that were read further since an earlier value of `moves`. `flush` writes
   * everything before these positions.
   */
  movedSince(moves: number): [number: number, position: number][] {
    const moved: [number, number][] = []
    for (const number of this.#numbers.values())
      if ((this.#movedAt[number] ?? 0) > moves) moved.push([number, this.#reached[number] ?? 0])
    return moved
  }

  /** How many records of the log are still to be read, as of the last read; `undefined` during an outage. */
  get lag(): number | undefined {
    if (this.outage() !== undefined) return undefined
    let lag = 0
    for (const { stable, offset } of this.#positions.values()) lag += Math.max(0, stable - offset)
    return lag
  }

  /** The next position of a partition; `undefined` before the first `advance`. */
  positionOf(partition: Partition): FeedPosition | undefined {
    return this.#positions.get(partition)
  }

  /** Whether a partition number is not in use any more. */
  isRetired(number: number): boolean {
    return this.window.at(number) === undefined
  }

  /**
   * States how far a partition was read. Another epoch means that its topic was recreated: everything known
   * of the topic is forgotten. A lower offset means that the partition was cut back.
   */
  advance(position: Position, stable: number): void {
    const { partition, epoch, offset } = position
    const former = this.#positions.get(partition)
    // Messages about partitions come after the events before them.
    if (former?.epoch !== epoch || former.offset > offset) this.flush()
    if (former !== undefined && former.epoch !== epoch) this.#forgetTopic(partition.topic, epoch)
    else if (former !== undefined && former.offset > offset) this.#forgetPartition(partition)
    const isNew = !this.#numbers.has(partition)
    const number = this.numberOf(partition)
    const numbered = { ...position, stable, number }
    this.#positions.set(partition, numbered)
    this.#positionList = undefined
    if (this.#reached[number] !== offset || isNew) this.#movedAt[number] = ++this.#moves
    this.#reached[number] = offset
    this.window.open(number, offset).advance(offset)
    if (!isNew) return
    this.#begins[number] = offset
    this.onPartition.notify(numbered)
  }

  /** States that the offsets from a partition's position up to another one cannot be read. */
  lose(partition: Partition, to: number): void {
    const from = this.#positions.get(partition)?.offset
    if (from === undefined || from >= to) return
    this.flush()
    const number = this.numberOf(partition)
    this.window.at(number)?.restart(to)
    this.onLost.notify({ number, from, to })
  }

  /** Where a partition began for this node, by its number. */
  beginOf(number: number): number {
    return this.#begins[number] ?? 0
  }

  /** How many partition numbers were given out. */
  get numbers(): number {
    return this.#reached.length
  }

  /** Returns the number of a partition: the same until its topic is recreated or it is cut back. */
  numberOf(partition: Partition): number {
    let number = this.#numbers.get(partition)
    if (number === undefined) {
      number = this.#reached.length
      this.#numbers.set(partition, number)
      this.#reached.push(0)
    }
    return number
  }

  #forgetTopic(topic: string, epoch: string): void {
    for (const [partition, position] of this.#positions) {
      if (partition.topic === topic && position.epoch !== epoch) this.#forgetPartition(partition)
    }
  }

  #forgetPartition(partition: Partition): void {
    this.#positions.delete(partition)
    this.#positionList = undefined
    const number = this.numberOf(partition)
    this.lastValues.retire(number)
    this.window.forget(number)
    this.#numbers.delete(partition)
  }

  /** States when the events added next were read, in ms on a monotonic clock. */
  tick(nowMs: number): void {
    this.lastValues.tick(nowMs)
    this.window.tick(nowMs)
  }

  /** Adds an event: keeps it, and marks it for its audiences. */
  add(event: MarketEvent, origin: EventOrigin): void {
    const index = this.lastValues.add(event, origin)
    const { batch } = this.lastValues
    if (this.fanOut.encoders.length > 0) this.#encode(event, origin, index)
    this.fanOut.mark(batch, index, event)
    this.conflation.mark(batch, index, event)
    this.window.at(origin.partition)?.append(batch, index)
  }

  #useOf(item: Item): ItemUse {
    const { fanOut, conflation } = this
    const { channel, symbol } = item
    if (conflation.isUndelivered(item)) return 'untold'
    return fanOut.has(channel, symbol) || conflation.has(channel, symbol) ? 'named' : 'none'
  }

  /** Removes the item from everything that is kept by item number, for another item gets its number. */
  #forgetItem(item: Item): void {
    this.lastValues.forget(item)
    this.window.forgetItem(item)
    this.conflation.forget(item)
    for (const { encoder } of this.forms) encoder?.forget(item.number)
  }

  /** Encodes an event for the wire forms that have audiences and encode events themselves. */
  #encode(event: MarketEvent, { partition }: EventOrigin, index: number): void {
    const { batch } = this.lastValues
    const json = batch.bytes.subarray(batch.start(index), batch.end(index))
    const source = { item: batch.items[index] ?? 0, partition, json }
    for (const encoder of this.fanOut.encoders) encoder.encode(event, source, index)
  }

  /**
   * Ends a batch: writes it now or, while the node is busy writing, a little later together with further
   * events.
   */
  flushSoon(): void {
    if (this.lastValues.batch.count >= maxPending) this.flush()
    else this.#scheduler.request()
  }

  /**
   * Writes all pending events. Once it has thrown, it throws each time, so that the node ends even if the
   * first error was caught.
   */
  flush(): void {
    if (this.#fault !== undefined) throw this.#fault.error
    if (this.#isFlushing) return
    this.conflation.tidy()
    if (this.lastValues.batch.count === 0) return
    this.#isFlushing = true
    try {
      this.#scheduler.measure(this.#write)
    } catch (error) {
      this.#fault = { error }
      throw error
    } finally {
      this.#isFlushing = false
    }
    this.onFlushed.notify()
  }

  #writeBatch(): void {
    this.fanOut.flush(this.lastValues.batch)
    this.lastValues.batch.reset()
    // A `for … of` would allocate an iterator for each flush.
    for (let at = 0; at < this.forms.length; at++) this.forms[at]?.encoder?.reset()
  }
}
