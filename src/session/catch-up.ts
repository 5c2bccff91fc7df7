import { setImmediate as nextLoopTurn, setTimeout as pause } from 'node:timers/promises'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { History } from '../fanout/history.ts'
import type { Interest } from '../fanout/interest.ts'
import type { ResumeAllowance } from '../limits/resume-limits.ts'
import { readEvents } from '../tape/read-events.ts'
import type { Block } from '../wire/block.ts'
import type { Wanted } from '../tape/wanted.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { type Extent, excerpt, type Start, wantedItems } from './excerpts.ts'
import { frameEvents, LogPiece, type Sending } from './log-piece.ts'
import type { NewestReader } from './newest-reader.ts'
import type { Pace } from './pace.ts'
import type { ReaderTurns } from './reader-turns.ts'

export interface CatchUpParts extends ResumeAllowance {
  readonly feed: Feed
  readonly history: History
  readonly turns: ReaderTurns
  readonly pace: Pace
  readonly form: WireForm
  /** Of what every event is wanted; may change meanwhile. */
  readonly interest: () => Interest
  /** Changes whenever the interest does. */
  readonly revision: () => number
  /** What is wanted conflated. */
  readonly newest: readonly NewestReader[]
  /** Tells some of what the reader has to know when it is live; whether it may be. */
  readonly prepare: () => boolean
  readonly deliver: (block: Block) => void
  /** Says what was covered beside the events. */
  readonly tell: (message: object) => void
  /** Tells of offsets that are gone. */
  readonly lose: (extent: Extent) => void
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
  readonly #parts: CatchUpParts
  /** How far it has read, and what it has told its reader to have, by the number of the partition. */
  readonly #reached: number[] = []
  readonly #covered: number[] = []
  /** Which partition is read first, so that a reader with little room gets some of each in turn. */
  #first = 0
  /** Bytes of events that it was given in the step under way. */
  #given = 0
  #events = 0
  #wake: () => void = () => undefined

  constructor(parts: CatchUpParts, starts: readonly Start[]) {
    this.#parts = parts
    for (const { number, offset } of starts) {
      this.#reached[number] = offset
      this.#covered[number] = offset
    }
  }

  /** How many events of the lossless channels its reader was given. */
  get events(): number {
    return this.#events
  }

  /** Up to where its reader has everything of the lossless channels. */
  get positions(): NumberedPosition[] {
    const { feed } = this.#parts
    return feed.positions().map(position => ({ ...position, offset: this.#coveredAt(position) }))
  }

  /**
   * Reads until the reader is where the feed is, and calls `join` in that very moment, before anything else can happen; never when
   * the signal aborts. Rejects when the log does not answer, or a topic was made again.
   */
  async run(join: () => void): Promise<void> {
    const { pace: clientPace, signal } = this.#parts
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
    const { feed, interest, newest, lose } = this.#parts
    const ends = feed.reached()
    for (const number of this.#covered.keys()) {
      if (!this.#isRetired(number)) continue
      const to = ends[number] ?? 0
      const from = this.#covered[number] ?? to
      this.#covered[number] = to
      if (interest().size > 0 && from < to) lose({ number, from, to })
      for (const reader of newest) reader.retire({ number, offset: to })
    }
    for (const position of feed.positions()) this.#covered[position.number] ??= this.#coveredAt(position)
  }

  async #read(join: () => void): Promise<void> {
    const { signal, turns } = this.#parts
    let next: Next = 'more'
    while (next !== 'done') {
      await this.#room()
      next = await turns.take(() => this.#step(join))
      if (signal.aborted) return
      if (next === 'ahead') await this.#feedMoves()
      else if (typeof next === 'object') await this.#readLog(next)
    }
  }

  /** Reads some of what is in memory, and joins if that was all; what is to be done then. */
  #step(join: () => void): Next {
    if (this.#parts.signal.aborted) return 'done'
    this.#readRecent()
    const rest = this.#behind()
    if (rest.length === 0 && this.#isConflatedLevel() && this.#isPrepared()) {
      this.#tellCoverage()
      join()
      return 'done'
    }
    const older = rest.find(position => this.#isBeyondMemory(position))
    if (older !== undefined) return older
    const isAhead = rest.length > 0 && rest.every(position => this.#at(position) > position.offset)
    return isAhead ? 'ahead' : 'more'
  }

  /** Reads what is in memory, some of each partition as long as there is room and it is not too much. */
  #readRecent(): void {
    const { feed, interest, newest, pace: clientPace } = this.#parts
    const wantsEvery = interest()
    const wanted = wantedItems(feed, wantsEvery)
    const positions = feed.positions()
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
      else if (this.#at(position) !== position.offset) this.#readPartition(position, wanted)
      this.#first = first + index + 1
    }
  }

  /** Whether a number stands for nothing any more. */
  #isRetired(number: number): boolean {
    return this.#parts.feed.positions().every(position => position.number !== number)
  }

  #readPartition(position: NumberedPosition, wanted: Wanted): void {
    const { number } = position
    const window = this.#parts.feed.window.at(number)
    if (window === undefined) return
    excerpt.clear()
    const read = readEvents(window, { from: this.#at(position), wanted, excerpt })
    if (read.kind !== 'read') return
    this.#count('memory', excerpt.count)
    this.#given += excerpt.start(excerpt.count)
    this.#covered[number] = this.#coveredAt(position)
    const end = { number, to: read.to, covered: this.#covered }
    frameEvents(this.#parts.form, { run: excerpt, count: excerpt.count, end }, this.#parts.deliver)
    this.#reached[number] = read.to
  }

  /** The partitions that it has not read as far as the feed, or further than this node has. */
  #behind(): NumberedPosition[] {
    return this.#parts.feed.positions().filter(position => this.#at(position) !== position.offset)
  }

  #isPrepared(): boolean {
    return this.#parts.pace.hasRoom && this.#parts.prepare()
  }

  #isConflatedLevel(): boolean {
    const { newest, feed } = this.#parts
    if (newest.length === 0) return true
    return feed.positions().every(position => newest.every(reader => reader.isLevelAt(position)))
  }

  #at({ number }: NumberedPosition): number {
    return this.#reached[number] ?? this.#parts.feed.beginOf(number)
  }

  #coveredAt({ number }: NumberedPosition): number {
    return this.#covered[number] ?? this.#parts.feed.beginOf(number)
  }

  #isBeyondMemory(position: NumberedPosition): boolean {
    const window = this.#parts.feed.window.at(position.number)
    return this.#at(position) < (window?.from ?? position.offset)
  }

  /** Nothing is wanted of what lies before; but who was further than this node waits for it. */
  #goTo(position: NumberedPosition): void {
    this.#reached[position.number] = Math.max(this.#at(position), position.offset)
  }

  /** Another node had come further than this one: until it has come so far, too, there is nothing to read. */
  async #feedMoves(): Promise<void> {
    await pause(pollMs, undefined, { signal: this.#parts.signal }).catch(() => undefined)
  }

  /** Interests have changed: whatever was read, but not told, may hold something that is wanted now. */
  rewind(): void {
    for (const number of this.#reached.keys()) this.#goBack(number)
  }

  #goBack(number: number): void {
    this.#reached[number] = this.#covered[number] ?? this.#parts.feed.beginOf(number)
  }

  /** Reads a piece of the log, then sends it: while the reader takes its time, others may read. */
  async #readLog(position: NumberedPosition): Promise<void> {
    const { take, signal, revision } = this.#parts
    const { number } = position
    const from = this.#at(position)
    const begun = revision()
    const piece = await this.#readPiece(position)
    if (piece.bytes > 0) await take(piece.bytes, signal)
    for (const [index, sending] of piece.sendings.entries()) {
      await this.#room()
      if (!(await this.#send(sending, () => !this.#isRetired(number) && revision() === begun)))
        return this.#goBack(number)
      this.#covered[number] = piece.coveredAfter(index)
    }
    if (this.#isRetired(number)) return
    if (revision() !== begun) return this.#goBack(number)
    this.#count('log', piece.events)
    this.#reached[number] = piece.to
    // What is not stable yet any more was cut back; the feed will say so.
    if (piece.to === from) await this.#feedMoves()
  }

  async #readPiece(position: NumberedPosition): Promise<LogPiece> {
    const { history, inTurn, signal, feed, form, interest } = this.#parts
    const { partition, epoch, number } = position
    const from = this.#at(position)
    const recent = feed.window.at(number)?.from ?? position.offset
    const to = Math.min(from + stepOffsets, Math.max(recent, from + 1))
    const piece = new LogPiece({ number, from, covered: this.#coveredAt(position) }, form)
    try {
      await inTurn(async () => {
        for await (const batch of history.read({ partition, epoch, offset: from }, to, signal)) {
          piece.take(batch, interest())
          await nextLoopTurn()
        }
      })
    } catch (error) {
      if (!this.#isRetired(number)) throw error
    }
    return piece
  }

  /** Sends something in its turn, if it is still to be sent then. */
  #send(sending: Sending, isDue: () => boolean): Promise<boolean> {
    const { turns, signal, deliver, lose } = this.#parts
    return turns.take(() => {
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
    const ranges: [number, number, number][] = []
    for (const position of this.#parts.feed.positions()) {
      const { number, offset } = position
      const from = this.#coveredAt(position)
      if (from < offset) ranges.push([number, from, offset])
    }
    if (ranges.length > 0) this.#parts.tell({ T: 'coverage', ranges })
  }

  async #room(): Promise<void> {
    const { pace: clientPace, signal } = this.#parts
    while (!clientPace.hasRoom && !signal.aborted) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

/** How often it is looked whether the feed has come to a position that another node was at. */
const pollMs = 20
