import { setImmediate as nextLoopTurn, setTimeout as pause } from 'node:timers/promises'
import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import { type Wanted, readEvents } from '../../feed/recent-events/read-events.ts'
import type { Selection } from '../../feed/selection.ts'
import type { History } from '../../history/history.ts'
import type { ResumeAllowance } from '../../limits/resume-limits.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import type { ConflatedReader } from '../delivery/conflated-reader.ts'
import type { FlowControl } from '../delivery/flow-control.ts'
import { HistoryFrames, type Receiver, type Sending, frameEvents } from './history-frames.ts'
import { ReadProgress } from './read-progress.ts'
import type { ReaderScheduler } from './reader-scheduler.ts'
import { type OffsetRange, type StartPosition, wantedItems } from './window-read.ts'

export interface CatchUpOptions extends ResumeAllowance, Receiver {
  readonly feed: Feed
  readonly history: History
  readonly scheduler: ReaderScheduler
  readonly flowControl: FlowControl
  /** Of what every event is wanted; may change meanwhile. */
  readonly selection: () => Selection
  /** Changes whenever the interest does. */
  readonly revision: () => number
  /** What is wanted conflated. */
  readonly newest: readonly ConflatedReader[]
  /** Tells some of what the reader has to know when it is live; whether it may be. */
  readonly prepare: () => boolean
  readonly deliver: (block: PreparedFrame) => void
  /** Says what was covered beside the events. */
  readonly tell: (message: object) => void
  /** Tells of offsets that are gone. */
  readonly lose: (extent: OffsetRange) => void
  readonly counts: CatchUpCounts
  readonly signal: AbortSignal
}

/** Lossless events delivered to readers that were behind, by where they were read. */
export interface CatchUpCounts {
  memory: number
  log: number
}

/** What a reader is to do next; a position: to read the log from there. */
type Next = 'more' | 'ahead' | 'done' | NumberedPosition

/** Bytes of events that a reader is given in one step; one more excerpt at most. */
const stepBytes = 131_072
/** Offsets that are read from the log before others have their turn: 75 kB of frames, made in less than a millisecond, which a slow reader may hold. */
const stepOffsets = 512

/**
 * Brings one reader from where it was to where the feed is, at the pace of its client. Of the lossless channels it is given every
 * event in order, covering every offset from its start on, so that nothing is missing and nothing comes twice.
 */
export class CatchUp {
  readonly #parts: CatchUpOptions
  readonly #progress: ReadProgress
  /** Which partition is read first, so that a reader with little room gets some of each in turn. */
  #first = 0
  /** Bytes of events that it was given in the step under way. */
  #given = 0
  #events = 0
  #wake: () => void = () => undefined

  constructor(parts: CatchUpOptions, starts: readonly StartPosition[]) {
    this.#parts = parts
    this.#progress = new ReadProgress(parts.feed, starts)
  }

  /** How many events of the lossless channels its reader was given. */
  get events(): number {
    return this.#events
  }

  /** Up to where its reader has everything of the lossless channels. */
  get positions(): NumberedPosition[] {
    return this.#progress.positions
  }

  /**
   * Reads until the reader is where the feed is, and calls `join` in that very moment, before anything else can happen; never when
   * the signal aborts. Rejects when the log does not answer, or a topic was made again.
   */
  async run(join: () => void): Promise<void> {
    const { flowControl: clientPace, signal } = this.#parts
    const wake = (): void => this.#wake()
    clientPace.onRoom(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      await this.#read(join)
    } finally {
      clientPace.offRoom(wake)
      signal.removeEventListener('abort', wake)
    }
  }

  /** Partitions have begun or ended: what was not read of a topic that was made again, or of a log that was cut back, is lost. */
  noticePartitions(): void {
    const { feed, selection, newest, lose } = this.#parts
    feed.flush()
    for (const { number, from, to } of this.#progress.retired()) {
      this.#progress.cover(number, to)
      if (selection().size > 0 && from < to) lose({ number, from, to })
      for (const reader of newest) reader.retire({ number, offset: to })
    }
    this.#progress.begin()
  }

  async #read(join: () => void): Promise<void> {
    const { signal, scheduler } = this.#parts
    let next: Next = 'more'
    while (next !== 'done') {
      await this.#room()
      next = await scheduler.take(() => this.#step(join))
      if (signal.aborted) return
      if (next === 'ahead') await this.#feedMoves()
      else if (typeof next === 'object') await this.#readLog(next)
    }
  }

  /** Reads some of what is in memory, and joins if that was all; what is to be done then. */
  #step(join: () => void): Next {
    if (this.#parts.signal.aborted) return 'done'
    this.#parts.feed.flush()
    this.#readRecent()
    const rest = this.#progress.rest()
    if (rest.length === 0 && this.#isConflatedLevel() && this.#isPrepared()) {
      this.#tellCoverage()
      join()
      return 'done'
    }
    const older = rest.find(position => this.#isBeyondMemory(position))
    if (older !== undefined) return older
    const isAhead = rest.length > 0 && rest.every(({ number, offset }) => this.#progress.at(number) > offset)
    return isAhead ? 'ahead' : 'more'
  }

  /** Reads what is in memory, some of each partition as long as there is room and it is not too much. */
  #readRecent(): void {
    const { feed, selection, newest, flowControl: clientPace } = this.#parts
    const wantsEvery = selection()
    const wanted = wantedItems(feed, wantsEvery)
    const { positions } = feed
    const first = this.#first
    this.#given = 0
    for (let index = 0; index < positions.length; index++) {
      const position = positions[(first + index) % positions.length]
      if (position === undefined) break
      for (const reader of newest) {
        if (!clientPace.hasRoom || this.#given >= stepBytes) return
        if (!reader.isLevelAt(position)) this.#given += reader.read(position)
      }
      if (!clientPace.hasRoom || this.#given >= stepBytes) return
      if (wantsEvery.size === 0) this.#goTo(position)
      else if (this.#progress.at(position.number) !== position.offset) this.#readPartition(position, wanted)
      this.#first = first + index + 1
    }
  }

  #readPartition({ number }: NumberedPosition, wanted: Wanted): void {
    const progress = this.#progress
    const window = this.#parts.feed.window.at(number)
    if (window === undefined) return
    const { buffer: readBuffer } = this.#parts.feed.readContext
    readBuffer.clear()
    const read = readEvents(window, { from: progress.at(number), wanted, readBuffer })
    if (read.kind !== 'read') return
    this.#count('memory', readBuffer.count)
    this.#given += readBuffer.start(readBuffer.count)
    progress.cover(number, progress.coveredAt(number))
    const end = { number, to: read.to, covered: progress.covered }
    frameEvents(this.#parts, { run: readBuffer, count: readBuffer.count, end }, this.#parts.deliver)
    progress.reach(number, read.to)
  }

  #isPrepared(): boolean {
    return this.#parts.flowControl.hasRoom && this.#parts.prepare()
  }

  #isConflatedLevel(): boolean {
    const { newest, feed } = this.#parts
    if (newest.length === 0) return true
    return feed.positions.every(position => newest.every(reader => reader.isLevelAt(position)))
  }

  #isBeyondMemory({ number, offset }: NumberedPosition): boolean {
    const window = this.#parts.feed.window.at(number)
    return this.#progress.at(number) < (window?.from ?? offset)
  }

  /** Nothing is wanted of what lies before; but who was further than this node waits for it. */
  #goTo({ number, offset }: NumberedPosition): void {
    this.#progress.reach(number, Math.max(this.#progress.at(number), offset))
  }

  /** Another node had come further than this one: until it has come so far, too, there is nothing to read. */
  async #feedMoves(): Promise<void> {
    await pause(pollMs, undefined, { signal: this.#parts.signal }).catch(() => undefined)
  }

  /** Selections have changed: whatever was read, but not told, may hold something that is wanted now. */
  rewind(): void {
    this.#progress.rewind()
  }

  /** Reads a piece of the log, then sends it: while the reader takes its time, others may read. */
  async #readLog(position: NumberedPosition): Promise<void> {
    const { feed, take, signal, revision } = this.#parts
    const { number } = position
    const progress = this.#progress
    const from = progress.at(number)
    const begun = revision()
    const piece = await this.#readPiece(position)
    if (piece.bytes > 0) await take(piece.bytes, signal)
    for (const [index, sending] of piece.sendings.entries()) {
      await this.#room()
      if (!(await this.#send(sending, () => !feed.isRetired(number) && revision() === begun)))
        return progress.goBack(number)
      progress.cover(number, piece.coveredAfter(index))
    }
    if (feed.isRetired(number)) return
    if (revision() !== begun) return progress.goBack(number)
    this.#count('log', piece.events)
    progress.reach(number, piece.to)
    // What is not stable yet any more was cut back; the feed will say so.
    if (piece.to === from) await this.#feedMoves()
  }

  async #readPiece(position: NumberedPosition): Promise<HistoryFrames> {
    const { history, inTurn, signal, feed, selection } = this.#parts
    const { partition, epoch, number } = position
    const from = this.#progress.at(number)
    const recent = feed.window.at(number)?.from ?? position.offset
    const to = Math.min(from + stepOffsets, Math.max(recent, from + 1))
    const piece = new HistoryFrames({ number, from, covered: this.#progress.coveredAt(number) }, this.#parts)
    try {
      await inTurn(async () => {
        for await (const batch of history.read({ partition, epoch, offset: from }, to, signal)) {
          piece.take(batch, selection())
          await nextLoopTurn()
        }
      })
    } catch (error) {
      if (!feed.isRetired(number)) throw error
    }
    return piece
  }

  /** Sends something in its turn, if it is still to be sent then. */
  #send(sending: Sending, isDue: () => boolean): Promise<boolean> {
    const { scheduler, signal, deliver, lose } = this.#parts
    return scheduler.take(() => {
      if (signal.aborted || !isDue()) return false
      if ('lost' in sending) lose(sending.lost)
      else deliver(sending.block)
      return true
    })
  }

  #count(source: keyof CatchUpCounts, events: number): void {
    this.#parts.counts[source] += events
    this.#events += events
  }

  /** Says of what held no events for the reader that it was read. */
  #tellCoverage(): void {
    const ranges = this.#progress.undelivered()
    if (ranges.length > 0) this.#parts.tell({ T: 'coverage', ranges })
  }

  async #room(): Promise<void> {
    const { flowControl: clientPace, signal } = this.#parts
    while (!clientPace.hasRoom && !signal.aborted) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

/** How often it is looked whether the feed has come to a position that another node was at. */
const pollMs = 20
