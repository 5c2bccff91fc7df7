import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import { type Interest, isWithin } from '../fanout/interest.ts'
import { NewestCursor } from '../tape/newest-cursor.ts'
import { readNewest } from '../tape/read-newest.ts'
import type { Block } from '../wire/block.ts'
import { sendEvents } from '../wire/wire-form.ts'
import { allOf, type Extent, excerpt, type Start, wantedItems } from './excerpts.ts'
import type { Receiver } from './log-piece.ts'

export interface NewestReaderParts extends Receiver {
  readonly feed: Feed
  /** What is wanted; may change meanwhile. */
  readonly interest: () => Interest
  readonly deliver: (block: Block) => void
  /** Told how many events of a channel were replaced by newer ones. */
  readonly onReplaced: (itemNumber: number, count: number) => void
  /** Told of events that nobody counted: they have left the memory. Their items' current values are to be sent. */
  readonly onSkipped: (extents: readonly Extent[]) => void
}

/**
 * Reads conflated channels for one reader that is behind: the newest event of each item that has one since the reader's last, with how
 * many it replaces. What it costs depends on how many items have changed, not on for how long the reader was away.
 */
export class NewestReader {
  readonly #parts: NewestReaderParts
  /** By the number of the partition. */
  readonly #cursors: NewestCursor[] = []
  /** What was not counted, and has to be told. */
  #unsaid: readonly Start[] = []

  constructor(parts: NewestReaderParts, starts: readonly Start[]) {
    this.#parts = parts
    for (const { number, offset } of starts) this.#cursors[number] = new NewestCursor(offset)
  }

  /** Whether it has read a partition as far as the feed. */
  isLevelAt(position: NumberedPosition): boolean {
    return this.#unsaid.length === 0 && this.#cursorAt(position).lowest === position.offset
  }

  /** If more is wanted than before, from these positions on: what was passed over meanwhile was not counted. */
  restart(from: readonly NumberedPosition[], former: Interest): void {
    if (isWithin(this.#parts.interest(), former)) return
    if (from.some(position => this.#cursorAt(position).highest !== position.offset)) this.#unsaid = from
  }

  /** A number stands for nothing any more; its partition ended at an offset. */
  retire({ number, offset }: Start): void {
    const from = this.#cursorAt({ number }).lowest
    this.#cursors[number] = new NewestCursor(offset)
    if (this.#parts.interest().size > 0 && from < offset)
      this.#parts.onSkipped([{ number, from, to: offset }])
  }

  /** Reads some of one partition; how many bytes of events it gave. */
  read(position: NumberedPosition): number {
    const { feed, form, preface, interest, deliver, onReplaced } = this.#parts
    if (this.#unsaid.length > 0) {
      this.#giveUp(this.#unsaid)
      return 0
    }
    const wants = interest()
    const window = feed.window.at(position.number)
    if (wants.size === 0 || window === undefined) {
      this.#skipTo(position)
      return 0
    }
    excerpt.clear()
    const cursor = this.#cursorAt(position)
    const read = readNewest(window, { cursor, wanted: wantedItems(feed, wants), excerpt })
    if (read.kind === 'lost') this.#giveUp([{ number: position.number, offset: read.from }])
    const { count, items, replaced } = excerpt
    if (read.kind !== 'read' || count === 0) return 0
    for (let index = 0; index < count; index++) {
      const times = replaced[index] ?? 0
      if (times > 0) onReplaced(items[index] ?? 0, times)
    }
    const bytes = excerpt.start(count)
    sendEvents(form, { segment: excerpt, marks: allOf(count), preface }, deliver)
    return bytes
  }

  /** What is to be replaced from here on cannot be counted: all partitions go on from where the feed is. */
  #giveUp(starts: readonly Start[]): void {
    this.#unsaid = []
    const extents: Extent[] = []
    const stated = new Map(starts.map(({ number, offset }) => [number, offset]))
    for (const position of this.#parts.feed.positions()) {
      const { number, offset } = position
      const from = Math.min(stated.get(number) ?? offset, this.#cursorAt(position).lowest)
      if (from < offset) extents.push({ number, from, to: offset })
      this.#skipTo(position)
    }
    this.#parts.onSkipped(extents)
  }

  #skipTo({ number, offset }: NumberedPosition): void {
    this.#cursors[number] = new NewestCursor(offset)
  }

  #cursorAt({ number }: Pick<Start, 'number'>): NewestCursor {
    return (this.#cursors[number] ??= new NewestCursor(this.#parts.feed.beginOf(number)))
  }
}
