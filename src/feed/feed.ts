import type { Channel, MarketEvent } from '../event/event.ts'
import type { Partition, Position } from '../event/log-record.ts'
import type { Item } from './last-values/item.ts'
import type { Claim } from './last-values/items.ts'
import { type Origin, LastValueCache } from './last-values/last-value-cache.ts'
import type { Positions } from '../wire/coverage.ts'
import type { WindowLimits } from './recent-events/segment-budget.ts'
import { RecentEvents } from './recent-events/recent-events.ts'
import { jsonForm } from '../wire/json/json-form.ts'
import { TapeForm } from '../wire/tape/tape-form.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { Conflation } from './conflation/conflation.ts'
import { Fanout } from './fan-out/fanout.ts'
import { FlushScheduler } from './flush-scheduler.ts'
import type { Outage } from './outage.ts'

/** How far a feed has read a partition, and how far it could have. */
export interface FeedPosition extends Position {
  /** Last stable offset known. */
  readonly stable: number
}

/** The same, with the number that stands for the partition in frames. */
export interface NumberedPosition extends FeedPosition {
  readonly number: number
}

export interface FeedOptions {
  readonly maxItems: number
  /** What is kept of the recent events. */
  readonly window: WindowLimits
  /** How long an event may wait for further ones while the node is busy writing. */
  readonly flushDelayMs: number
  /** Milliseconds on a clock that only goes on. */
  readonly now?: () => number
}

/** Events are not kept waiting beyond so many. */
const mostPending = 4096

/** A log as its subscribers see it: what was read (the tape), up to where, and who receives it (the fan-out). */
export class Feed {
  readonly tape: LastValueCache
  readonly fanout: Fanout
  /** What is told at intervals. */
  readonly conflation: Conflation
  /** The recent events, for readers that are behind. */
  readonly window: RecentEvents
  /** Everything since this time (ms on a clock that only goes on) has been read; `undefined`: everything the log still has. */
  lookedBackToMs: number | undefined
  /** Why it is not read at the moment; `undefined` while it is. */
  outage: () => Outage | undefined = () => undefined
  /** Told of offsets that nobody will read any more, with the number of their partition. */
  onLost: (number: number, range: readonly [from: number, to: number]) => void = () => undefined
  /** Told of partitions that are new here, were made again or cut back, before the first event in them. */
  onPartition: (partition: NumberedPosition) => void = () => undefined
  /** Called when everything that was taken in was written. */
  onFlushed: () => void = () => undefined
  /** How its events may look on the wire. */
  readonly forms: readonly WireForm[]
  readonly #tapeForm: TapeForm
  readonly #pacing: FlushScheduler
  readonly #work = (): void => this.#write()
  #isFlushing = false
  /** Why a flush failed. What its subscribers have of it is not known, and the next frames would claim it: nothing follows. */
  #fault: { readonly error: unknown } | undefined
  readonly #positions = new Map<Partition, NumberedPosition>()
  /** The same as a list, until one of them changes: each of many readers asks for it. */
  #positionList: readonly NumberedPosition[] | undefined
  readonly #numbers = new Map<Partition, number>()
  /** Where each partition began for this node, and how far it was read, by number. */
  readonly #begins: Positions = []
  readonly #reached: Positions = []
  /** When each of them was read further, as `moves`. */
  readonly #movedAt: number[] = []
  #moves = 0

  constructor(options: FeedOptions) {
    this.tape = new LastValueCache(options)
    this.#tapeForm = new TapeForm(this.tape.segment)
    this.forms = [jsonForm, this.#tapeForm]
    this.window = new RecentEvents(options.window)
    const flush = (): void => this.flush()
    this.#pacing = new FlushScheduler({ ...options, mostMs: options.flushDelayMs, flush })
    const { items } = this.tape
    const progress = { begins: this.#begins, reached: this.#reached }
    this.fanout = new Fanout(items, progress)
    this.conflation = new Conflation({ items, progress })
    items.claimOf = item => this.#claimOf(item)
    items.onForgotten = item => this.#forgetItem(item)
  }

  /** Since when every item of some channels that had an event has a last one (ms on a clock that only goes on); `undefined`: since the log began. */
  completeSinceMs(channels: Iterable<Channel>): number | undefined {
    let sinceMs = this.lookedBackToMs
    for (const channel of channels) {
      const forgottenMs = this.tape.forgottenMs[channel]
      if (forgottenMs !== undefined) sinceMs = Math.max(sinceMs ?? -Infinity, forgottenMs + 1)
    }
    return sinceMs
  }

  /** Names that someone is subscribed to, each (channel, symbol) counted once, wildcards as one. */
  get subscribedItems(): number {
    const { fanout, conflation } = this
    return fanout.subscribedItems + conflation.countNames((channel, name) => !fanout.has(channel, name))
  }

  /** The next position of every partition, in the order in which the partitions were first seen. Only after `flush` was everything before written. */
  get positions(): readonly NumberedPosition[] {
    return (this.#positionList ??= [...this.#positions.values()])
  }

  /** The same by the number of the partition; a copy. */
  reached(): readonly number[] {
    return [...this.#reached]
  }

  /** How often a partition was read further: what clients were told is told by it. */
  get moves(): number {
    return this.#moves
  }

  /** The number and position of each partition that was read further since. Only after `flush` was everything before written. */
  movedSince(moves: number): [number: number, position: number][] {
    const moved: [number, number][] = []
    for (const number of this.#numbers.values())
      if ((this.#movedAt[number] ?? 0) > moves) moved.push([number, this.#reached[number] ?? 0])
    return moved
  }

  /** How many records the log holds that were not read yet, as far as the last read told; `undefined` during an outage. */
  get lag(): number | undefined {
    if (this.outage() !== undefined) return undefined
    let lag = 0
    for (const { stable, offset } of this.#positions.values()) lag += Math.max(0, stable - offset)
    return lag
  }

  /** The next position of one partition; `undefined` before anything was stated of it. */
  positionOf(partition: Partition): FeedPosition | undefined {
    return this.#positions.get(partition)
  }

  /** Whether a number stands for nothing any more. */
  isRetired(number: number): boolean {
    return this.window.at(number) === undefined
  }

  /**
   * States how far a partition has been read. Another epoch means that its topic was made again: what was known of it is
   * forgotten. A position before the one that was reached means that it was cut back.
   */
  advance(position: Position, stable: number): void {
    const { partition, epoch, offset } = position
    const former = this.#positions.get(partition)
    // What is told of partitions comes after the events before it.
    if (former?.epoch !== epoch || former.offset > offset) this.flush()
    if (former !== undefined && former.epoch !== epoch) this.#forgetTopic(partition.topic, epoch)
    else if (former !== undefined && former.offset > offset) this.#forget(partition)
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
    this.onPartition(numbered)
  }

  /** States that the offsets from the position reached to another one cannot be read. */
  lose(partition: Partition, to: number): void {
    const from = this.#positions.get(partition)?.offset
    if (from === undefined || from >= to) return
    this.flush()
    const number = this.numberOf(partition)
    this.window.at(number)?.restart(to)
    this.onLost(number, [from, to])
  }

  /** Where a partition began for this node, by its number. */
  beginOf(number: number): number {
    return this.#begins[number] ?? 0
  }

  /** How many numbers partitions have had. */
  get numbers(): number {
    return this.#reached.length
  }

  /** A small number for a partition, the same until its topic is made again or it is cut back. */
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
      if (partition.topic === topic && position.epoch !== epoch) this.#forget(partition)
    }
  }

  #forget(partition: Partition): void {
    this.#positions.delete(partition)
    this.#positionList = undefined
    const number = this.numberOf(partition)
    this.tape.retire(number)
    this.window.forget(number)
    this.#numbers.delete(partition)
  }

  /** States when what is taken in next was read, in ms on a clock that only goes on. */
  tick(nowMs: number): void {
    this.tape.tick(nowMs)
    this.window.tick(nowMs)
  }

  /** Takes an event in and marks it for its audiences. */
  add(event: MarketEvent, origin: Origin): void {
    const index = this.tape.add(event, origin)
    if (this.#tapeForm.isInUse) this.#noteInTape(event, origin, index)
    this.fanout.mark(this.tape.segment, index)
    this.conflation.mark(this.tape.segment.items[index] ?? 0)
    this.window.at(origin.partition)?.append(this.tape.segment, index)
  }

  #claimOf(item: Item): Claim {
    const { fanout, conflation } = this
    const { channel, symbol } = item
    if (conflation.isUndelivered(item)) return 'untold'
    return fanout.has(channel, symbol) || conflation.has(channel, symbol) ? 'named' : 'none'
  }

  /** Nothing that goes by numbers may take another item for this one. */
  #forgetItem(item: Item): void {
    this.tape.forget(item)
    this.window.forgetItem(item)
    this.conflation.forget(item)
    this.#tapeForm.forget(item.number)
  }

  #noteInTape(event: MarketEvent, { partition }: Origin, index: number): void {
    const { segment } = this.tape
    const json = segment.bytes.subarray(segment.start(index), segment.end(index))
    this.#tapeForm.note(event, { item: segment.items[index] ?? 0, partition, json }, index)
  }

  /** Ends a batch: everything marked is written, at once or, while the node is busy writing, a little later with what comes meanwhile. */
  flushSoon(): void {
    if (this.tape.segment.count >= mostPending) this.flush()
    else this.#pacing.ask()
  }

  /** Writes everything marked. Once it has thrown it always does, so that the node ends, whoever was told of it first. */
  flush(): void {
    if (this.#fault !== undefined) throw this.#fault.error
    if (this.#isFlushing) return
    this.conflation.tidy()
    if (this.tape.segment.count === 0) return
    this.#isFlushing = true
    try {
      this.#pacing.measure(this.#work)
    } catch (error) {
      this.#fault = { error }
      throw error
    } finally {
      this.#isFlushing = false
    }
    this.onFlushed()
  }

  #write(): void {
    this.fanout.flush(this.tape.segment)
    this.tape.segment.reset()
    this.#tapeForm.reset()
  }
}
