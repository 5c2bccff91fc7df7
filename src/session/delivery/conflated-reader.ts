import type { Feed, NumberedPosition } from '../../feed/feed.ts'
import { type Selection, isWithin } from '../../feed/selection.ts'
import { ConflatedCursor } from '../../feed/recent-events/conflated-cursor.ts'
import { readConflated } from '../../feed/recent-events/read-conflated.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import { sendEvents } from '../../wire/wire-form.ts'
import { type OffsetRange, type StartPosition, wantedItems } from '../catch-up/window-read.ts'
import type { Receiver } from '../catch-up/history-frames.ts'

export interface ConflatedReaderOptions extends Receiver {
  readonly feed: Feed
  /** What is wanted; may change meanwhile. */
  readonly selection: () => Selection
  readonly deliver: (block: PreparedFrame) => void
  /** Told how many events of a channel were replaced by newer ones. */
  readonly onReplaced: (itemNumber: number, count: number) => void
  /** Told of events that nobody counted: they have left the memory. Their items' current values are to be sent. */
  readonly onSkipped: (extents: readonly OffsetRange[]) => void
}

/**
 * Reads conflated channels for one reader that is behind: the newest event of each item that has one since the reader's last, with how
 * many it replaces. What it costs depends on how many items have changed, not on for how long the reader was away.
 */
export class ConflatedReader {
  readonly #parts: ConflatedReaderOptions
  /** By the number of the partition. */
  readonly #cursors: ConflatedCursor[] = []
  /** What was not counted, and has to be told. */
  #unsaid: readonly StartPosition[] = []

  constructor(parts: ConflatedReaderOptions, starts: readonly StartPosition[]) {
    this.#parts = parts
    for (const { number, offset } of starts) this.#cursors[number] = new ConflatedCursor(offset)
  }

  /** Whether it has read a partition as far as the feed. */
  isLevelAt(position: NumberedPosition): boolean {
    return this.#unsaid.length === 0 && this.#cursorAt(position).lowest === position.offset
  }

  /** If more is wanted than before, from these positions on: what was passed over meanwhile was not counted. */
  restart(from: readonly NumberedPosition[], former: Selection): void {
    if (isWithin(this.#parts.selection(), former)) return
    if (from.some(position => this.#cursorAt(position).highest !== position.offset)) this.#unsaid = from
  }

  /** A number stands for nothing any more; its partition ended at an offset. */
  retire({ number, offset }: StartPosition): void {
    const from = this.#cursorAt({ number }).lowest
    this.#cursors[number] = new ConflatedCursor(offset)
    if (this.#parts.selection().size > 0 && from < offset)
      this.#parts.onSkipped([{ number, from, to: offset }])
  }

  /** Reads some of one partition; how many bytes of events it gave. */
  read(position: NumberedPosition): number {
    const { feed, form, deltaBases, selection, deliver, onReplaced } = this.#parts
    if (this.#unsaid.length > 0) {
      this.#giveUp(this.#unsaid)
      return 0
    }
    const wants = selection()
    const window = feed.window.at(position.number)
    if (wants.size === 0 || window === undefined) {
      this.#skipTo(position)
      return 0
    }
    const { buffer: readBuffer } = feed.readContext
    readBuffer.clear()
    const cursor = this.#cursorAt(position)
    const read = readConflated(window, { cursor, wanted: wantedItems(feed, wants), readBuffer })
    if (read.kind === 'lost') this.#giveUp([{ number: position.number, offset: read.from }])
    const { count, items, replaced } = readBuffer
    if (read.kind !== 'read' || count === 0) return 0
    for (let index = 0; index < count; index++) {
      const times = replaced[index] ?? 0
      if (times > 0) onReplaced(items[index] ?? 0, times)
    }
    const bytes = readBuffer.start(count)
    sendEvents(form, { events: readBuffer, chosen: feed.readContext.allOf(count), deltaBases }, deliver)
    return bytes
  }

  /** What is to be replaced from here on cannot be counted: all partitions go on from where the feed is. */
  #giveUp(starts: readonly StartPosition[]): void {
    this.#unsaid = []
    const extents: OffsetRange[] = []
    const stated = new Map(starts.map(({ number, offset }) => [number, offset]))
    for (const position of this.#parts.feed.positions) {
      const { number, offset } = position
      const from = Math.min(stated.get(number) ?? offset, this.#cursorAt(position).lowest)
      if (from < offset) extents.push({ number, from, to: offset })
      this.#skipTo(position)
    }
    this.#parts.onSkipped(extents)
  }

  #skipTo({ number, offset }: NumberedPosition): void {
    this.#cursors[number] = new ConflatedCursor(offset)
  }

  #cursorAt({ number }: Pick<StartPosition, 'number'>): ConflatedCursor {
    return (this.#cursors[number] ??= new ConflatedCursor(this.#parts.feed.beginOf(number)))
  }
}
