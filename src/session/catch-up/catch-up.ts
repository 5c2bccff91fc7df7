import { setTimeout as pause } from 'node:timers/promises'
import type { NumberedPosition } from '../../feed/feed.ts'
import { readEvents, type ReadRequest } from '../../feed/recent-events/read-events.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import type { FlowControl } from '../delivery/flow-control.ts'
import type { CatchUpCounts } from '../session-counts.ts'
import type { ConflatedReader } from './conflated-reader.ts'
import { frameEvents } from './history-frames.ts'
import { HistoryReader, type HistoryReaderOptions } from './history-reader.ts'
import { ReadProgress } from './read-progress.ts'
import { filtersOfItems, type StartPosition, wantedItems } from './window-read.ts'

export interface CatchUpOptions extends HistoryReaderOptions {
  readonly flowControl: FlowControl
  /** The readers of the conflated channels. */
  readonly conflated: readonly ConflatedReader[]
  /** Called after every step: the reader has read as far as the feed, or not. */
  readonly onProgress: (progress: 'level' | 'overtaken') => void
  /** Sends some of what the wire form needs before live frames. Returns whether the reader may join. */
  readonly prepare: () => boolean
  readonly tell: (message: ServerMessage) => void
  readonly counts: CatchUpCounts
}

/** What a reader does next; a position: reads the log from there. */
type Next = 'more' | 'wait' | 'done' | NumberedPosition

/** Bytes of events that a reader is sent in one step; at most one more read buffer. */
const stepBytes = 131_072
/**
 * How often the reader looks whether the feed has come to a position that another node, or another feed, was
 * at: less often the longer it waits, which may be for the delay of its feed.
 */
const firstWaitMs = 20
const longestWaitMs = 320

/**
 * Brings one reader from where it was to where the feed is, at the speed of its client. The reader is sent
 * every event of the lossless channels in order. Its coverage names every offset from its start on, so
 * nothing is missing and nothing comes twice.
 */
export class CatchUp {
  readonly #options: CatchUpOptions
  readonly #progress: ReadProgress
  readonly #history: HistoryReader
  /** The partition that is read first: a reader with little room gets some of each in turn. */
  #first = 0
  /** Bytes of events sent in the step under way. */
  #sentBytes = 0
  #events = 0
  #waitMs = firstWaitMs

  constructor(options: CatchUpOptions, starts: readonly StartPosition[]) {
    this.#options = options
    this.#progress = new ReadProgress(options.feed, starts)
    this.#history = new HistoryReader(options, this.#progress)
  }

  /** How many events of the lossless channels the reader was sent. */
  get events(): number {
    return this.#events
  }

  /** The client has everything of the lossless channels before these positions. */
  get positions(): NumberedPosition[] {
    return this.#progress.positions
  }

  /**
   * Reads until the reader is where the feed is, and calls `join` in that very moment, before anything else
   * can happen; never after the signal has aborted. Rejects when the log does not answer.
   */
  async run(join: () => void): Promise<void> {
    const { signal, scheduler, flowControl } = this.#options
    let next: Next = 'more'
    while (next !== 'done') {
      await flowControl.untilRoom(signal)
      next = await scheduler.schedule(() => this.#step(join))
      if (signal.aborted) return
      if (next === 'wait') await this.#wait()
      else this.#waitMs = firstWaitMs
      if (typeof next === 'object') await this.#readHistory(next)
    }
  }

  /**
   * Partitions have begun or ended, and the feed has been flushed. Tells the client what it does not get of a
   * topic that was recreated, or of a log that was cut back.
   */
  noticePartitions(): void {
    const { selection, conflated, lose } = this.#options
    for (const { number, from, to } of this.#progress.retired()) {
      this.#progress.cover(number, to)
      if (selection().size > 0 && from < to) lose({ number, from, to })
      for (const reader of conflated) reader.retire({ number, offset: to })
    }
    this.#progress.begin()
  }

  /**
   * What is wanted has changed: whatever was read, but not delivered, may hold something that is wanted now.
   */
  rewind(): void {
    this.#progress.rewind()
  }

  /** Reads some of what is in memory, and joins if that was all. */
  #step(join: () => void): Next {
    const { signal, feed, flowControl, onProgress, prepare } = this.#options
    if (signal.aborted) return 'done'
    feed.flush()
    this.#readRecent()
    const unread = this.#progress.unread()
    const isLevel = unread.length === 0 && this.#isConflatedLevel()
    onProgress(isLevel ? 'level' : 'overtaken')
    if (isLevel && flowControl.hasRoom && prepare()) {
      this.#tellCoverage()
      join()
      return 'done'
    }
    const older = unread.find(position => this.#isOlderThanMemory(position))
    if (older !== undefined) return older
    const isAhead =
      unread.length > 0 && unread.every(({ number, offset }) => this.#progress.at(number) > offset)
    return isAhead ? 'wait' : 'more'
  }

  /** Reads what is in memory: some of each partition while there is room, and not too much in one step. */
  #readRecent(): void {
    const { feed, selection, conflated } = this.#options
    const every = selection()
    const wanted = wantedItems(feed, every)
    const filterOf = filtersOfItems(feed, every)
    const { positions } = feed
    const first = this.#first
    this.#sentBytes = 0
    feed.readContext.buffer.renewEvaluations()
    for (let index = 0; index < positions.length; index++) {
      const position = positions[(first + index) % positions.length]
      if (position === undefined) break
      for (const reader of conflated) {
        if (this.#isStepOver) return
        if (!reader.isLevelAt(position)) this.#sentBytes += reader.read(position)
      }
      if (this.#isStepOver) return
      if (every.size === 0) this.#skipTo(position)
      else if (this.#progress.at(position.number) !== position.offset)
        this.#readPartition(position, { wanted, filterOf })
      this.#first = first + index + 1
    }
  }

  get #isStepOver(): boolean {
    const { flowControl, feed } = this.#options
    const { hasEvaluations } = feed.readContext.buffer
    return !flowControl.hasRoom || this.#sentBytes >= stepBytes || !hasEvaluations
  }

  #readPartition({ number }: NumberedPosition, what: Pick<ReadRequest, 'wanted' | 'filterOf'>): void {
    const progress = this.#progress
    const window = this.#options.feed.window.at(number)
    if (window === undefined) return
    const { buffer: readBuffer } = this.#options.feed.readContext
    readBuffer.clear()
    const read = readEvents(window, { ...what, from: progress.at(number), readBuffer })
    if (read.kind !== 'read') return
    this.#count('memory', readBuffer.count)
    this.#sentBytes += readBuffer.start(readBuffer.count)
    progress.cover(number, progress.coveredAt(number))
    const end = { number, to: read.to, covered: progress.covered }
    frameEvents(this.#options, { run: readBuffer, count: readBuffer.count, end }, this.#options.send)
    progress.reach(number, read.to)
  }

  #isConflatedLevel(): boolean {
    const { conflated, feed } = this.#options
    if (conflated.length === 0) return true
    return feed.positions.every(position => conflated.every(reader => reader.isLevelAt(position)))
  }

  #isOlderThanMemory({ number, offset }: NumberedPosition): boolean {
    const window = this.#options.feed.window.at(number)
    return this.#progress.at(number) < (window?.from ?? offset)
  }

  /**
   * Skips everything before this position. A reader that is already ahead of this node stays where it is
   * until the node catches up.
   */
  #skipTo({ number, offset }: NumberedPosition): void {
    this.#progress.reach(number, Math.max(this.#progress.at(number), offset))
  }

  async #readHistory(position: NumberedPosition): Promise<void> {
    const { events, isAtEnd } = await this.#history.read(position)
    this.#count('log', events)
    if (isAtEnd) await this.#wait()
  }

  /** Another node was ahead of this one: until this one is there, too, there is nothing to read. */
  async #wait(): Promise<void> {
    const waitMs = this.#waitMs
    this.#waitMs = Math.min(longestWaitMs, 2 * waitMs)
    await pause(waitMs, undefined, { signal: this.#options.signal }).catch(() => undefined)
  }

  #count(source: keyof CatchUpCounts, events: number): void {
    this.#options.counts[source] += events
    this.#events += events
  }

  /** Covers the ranges that were read and held nothing for the client. */
  #tellCoverage(): void {
    const ranges = this.#progress.undelivered()
    if (ranges.length > 0) this.#options.tell({ kind: 'coverage', ranges })
  }
}
