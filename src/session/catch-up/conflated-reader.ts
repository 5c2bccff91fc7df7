import type { NumberedPosition } from '../../feed/feed.ts'
import { ConflatedCursor } from '../../feed/recent-events/conflated-cursor.ts'
import { readConflated } from '../../feed/recent-events/read-conflated.ts'
import type { Selection } from '../../feed/selection.ts'
import type { Payload } from '../../wire/payload.ts'
import { sendEvents } from '../../wire/wire-form.ts'
import type { FrameReceiver } from './history-frames.ts'
import type { OffsetRange } from '../../protocol/positions.ts'
import { filtersOfItems, type StartPosition, wantedItems } from './window-read.ts'

export interface ConflatedReaderOptions extends FrameReceiver {
  /** What the client wants; may change meanwhile. */
  readonly selection: () => Selection
  readonly send: (frame: Payload) => void
  /** Called with how many events of an item a newer one has replaced. */
  readonly onReplaced: (itemNumber: number, count: number) => void
  /**
   * Called with events that nobody counted: they have left the memory. The client needs the current values of
   * their items.
   */
  readonly onSkipped: (ranges: readonly OffsetRange[]) => void
}

/**
 * Reads conflated channels for one reader that is behind: the newest event of each item that has changed
 * since the reader's last, with how many events it replaces. The cost depends on how many items have changed,
 * not on how long the reader was away.
 */
export class ConflatedReader {
  readonly #options: ConflatedReaderOptions
  /** By the number of the partition. */
  readonly #cursors: ConflatedCursor[] = []
  /** From here on nobody counted what was replaced: the client is still to be told. */
  #uncounted: readonly StartPosition[] = []

  constructor(options: ConflatedReaderOptions, starts: readonly StartPosition[]) {
    this.#options = options
    for (const { number, offset } of starts) this.#cursors[number] = new ConflatedCursor(offset)
  }

  /** Whether a partition was read as far as the feed. */
  isLevelAt(position: NumberedPosition): boolean {
    return this.#uncounted.length === 0 && this.#cursorAt(position).lowest === position.offset
  }

  /**
   * The client wants something else from these positions on. What is new among it was not counted where it
   * was read over already.
   */
  restart(from: readonly NumberedPosition[], former: Selection): void {
    this.#cursors.forEach(cursor => cursor.forgetWalk())
    if (this.#options.selection().isWithin(former)) return
    const counted = from.filter(({ number }) => this.#uncountedOf(number) === undefined)
    const further = counted.filter(position => this.#cursorAt(position).highest !== position.offset)
    this.#uncounted = [...this.#uncounted, ...further]
  }

  /** Retires a number: its partition has ended at an offset, and no partition gets the number again. */
  retire({ number, offset }: StartPosition): void {
    const uncounted = this.#uncountedOf(number)
    const from = Math.min(uncounted?.offset ?? offset, this.#cursorAt({ number }).lowest)
    this.#uncounted = this.#uncounted.filter(each => each.number !== number)
    this.#cursors[number] = new ConflatedCursor(offset)
    if (this.#options.selection().size > 0 && from < offset)
      this.#options.onSkipped([{ number, from, to: offset }])
  }

  /** Reads some of one partition. Returns how many bytes of events were sent. */
  read(position: NumberedPosition): number {
    const { feed, form, deltaBases, selection, send, onReplaced } = this.#options
    if (this.#uncounted.length > 0) {
      this.#skipAll(this.#uncounted)
      return 0
    }
    const selected = selection()
    const window = feed.window.at(position.number)
    if (selected.size === 0 || window === undefined) {
      this.#skipTo(position)
      return 0
    }
    const { buffer: readBuffer } = feed.readContext
    readBuffer.clear()
    const cursor = this.#cursorAt(position)
    const read = readConflated(window, {
      cursor,
      wanted: wantedItems(feed, selected),
      filterOf: filtersOfItems(feed, selected),
      readBuffer,
    })
    if (read.kind === 'lost') this.#skipAll([{ number: position.number, offset: read.from }])
    const { count, items, replaced } = readBuffer
    if (read.kind !== 'read' || count === 0) return 0
    for (let index = 0; index < count; index++) {
      const times = replaced[index] ?? 0
      if (times > 0) onReplaced(items[index] ?? 0, times)
    }
    const bytes = readBuffer.start(count)
    sendEvents(form, { events: readBuffer, chosen: feed.readContext.allOf(count), deltaBases }, send)
    return bytes
  }

  /**
   * What would be replaced from these positions on cannot be counted: all partitions go on from where the
   * feed is.
   */
  #skipAll(starts: readonly StartPosition[]): void {
    this.#uncounted = []
    const ranges: OffsetRange[] = []
    const stated = new Map(starts.map(({ number, offset }) => [number, offset]))
    for (const position of this.#options.feed.positions) {
      const { number, offset } = position
      const from = Math.min(stated.get(number) ?? offset, this.#cursorAt(position).lowest)
      if (from < offset) ranges.push({ number, from, to: offset })
      this.#skipTo(position)
    }
    this.#options.onSkipped(ranges)
  }

  #skipTo({ number, offset }: NumberedPosition): void {
    this.#cursors[number] = new ConflatedCursor(offset)
  }

  #uncountedOf(number: number): StartPosition | undefined {
    return this.#uncounted.find(each => each.number === number)
  }

  #cursorAt({ number }: Pick<StartPosition, 'number'>): ConflatedCursor {
    return (this.#cursors[number] ??= new ConflatedCursor(this.#options.feed.beginOf(number)))
  }
}
