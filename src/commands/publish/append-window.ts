import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'
import type { AppendResult, EventLog, Partition } from '../../log/event-log.ts'
import { type Channel, channelOfType, type MarketEvent } from '../../event/event.ts'
import { appendFailureOf } from '../../log/append-failure.ts'

/** The log rejected a whole append, which it never should. */
class AppendError extends TickerError {
  readonly code = 'TICKER_APPEND'
}

interface AppendWindowOptions {
  readonly log: Pick<EventLog, 'append'>
  /** How many events may be under way. A single append may be larger. */
  readonly maxEvents: number
  /** Called after each answer of the log. */
  readonly onSettled: () => void
}

/**
 * Appends events to the log in their order, so that those of one key keep theirs, and limits how many are
 * under way.
 */
export class AppendWindow {
  readonly acknowledgements = new Acknowledgements()
  readonly #options: AppendWindowOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: AppendWindowOptions) {
    this.#options = options
  }

  /** Whether the log has refused an event: then nothing more is appended. */
  get hasFailed(): boolean {
    return this.acknowledgements.hasRefusals
  }

  /** Appends events to the log; resolves when there is room for more. */
  async append(events: readonly NumberedEvent[]): Promise<void> {
    if (events.length === 0) return
    await this.#until(() => this.acknowledgements.waiting + events.length <= this.#options.maxEvents)
    // Later events must not arrive without the refused one.
    if (this.hasFailed) return
    const appending = this.#settle(this.acknowledgements.begin(events))
    this.#underWay.add(appending)
    void appending.then(() => this.#underWay.delete(appending))
  }

  /** Resolves when the log has answered for every event. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #until(hasRoom: () => boolean): Promise<void> {
    while (this.#underWay.size > 0 && !hasRoom()) await Promise.race(this.#underWay)
  }

  async #settle(batch: PendingBatch): Promise<void> {
    const results = await this.#append(batch)
    this.acknowledgements.settle(batch, results)
    this.#options.onSettled()
  }

  async #append({ events }: PendingBatch): Promise<readonly AppendResult[]> {
    try {
      return await this.#options.log.append(events.map(({ event }) => event))
    } catch (thrown) {
      const error = new AppendError(messageOf(thrown), { cause: thrown })
      return events.map(() => ({ error }))
    }
  }
}

/** An event and its line in the file. */
export interface NumberedEvent {
  readonly line: number
  readonly event: MarketEvent
}

/**
 * The acknowledged events of one partition: how many, and the first and last offset. Events of other
 * producers may lie between them.
 */
export interface PartitionOffsets {
  readonly partition: Partition
  readonly count: number
  readonly first: number
  readonly last: number
}

/** Consecutive events of the file, by their first and last lines. */
export interface LineRange {
  readonly firstLine: number
  readonly lastLine: number
  readonly count: number
}

/** Consecutive events that were not acknowledged. */
export interface MissingLines extends LineRange {
  /** Whether they are certainly not in the log; otherwise it is unknown. */
  readonly isAbsent: boolean
}

/** A range with its index among all events, so that adjacent ranges can be joined. */
interface IndexedLines extends MissingLines {
  readonly index: number
}

/** Events of one append. */
interface PendingBatch {
  readonly events: readonly NumberedEvent[]
  /** How many events were appended before. */
  readonly firstIndex: number
}

/** The events that the log has acknowledged, those that it has refused, and those under way. */
export class Acknowledgements {
  acknowledged = 0
  readonly byChannel = new Map<Channel, number>()
  /** The reasons of refusals, with the number of events. */
  readonly errors = new Map<string, number>()
  readonly #offsets = new Map<Partition, PartitionOffsets>()
  readonly #refused: IndexedLines[] = []
  readonly #underWay = new Set<PendingBatch>()
  #handedOver = 0

  /** Records that events are being appended; the log's answer goes to `settle`. */
  begin(events: readonly NumberedEvent[]): PendingBatch {
    const batch = { events, firstIndex: this.#handedOver }
    this.#handedOver += events.length
    this.#underWay.add(batch)
    return batch
  }

  /** Records the log's answer: a result for each event, in order. */
  settle(batch: PendingBatch, results: readonly AppendResult[]): void {
    this.#underWay.delete(batch)
    for (const [index, { line, event }] of batch.events.entries()) {
      const result = results[index]
      if (result !== undefined && 'position' in result) this.#accept(event, result)
      else this.#refuse({ line, index: batch.firstIndex + index }, result)
    }
  }

  /** The number of events under way. */
  get waiting(): number {
    let count = 0
    for (const { events } of this.#underWay) count += events.length
    return count
  }

  get offsets(): readonly PartitionOffsets[] {
    return [...this.#offsets.values()].toSorted(
      (one, other) =>
        one.partition.topic.localeCompare(other.partition.topic) ||
        one.partition.partition - other.partition.partition,
    )
  }

  /** Whether the log has refused an event. */
  get hasRefusals(): boolean {
    return this.#refused.length > 0
  }

  /** The events that are not acknowledged, in the order of the file: refused, or still under way. */
  get missing(): readonly MissingLines[] {
    const ranges = [...this.#refused]
    for (const { events, firstIndex } of this.#underWay) {
      const [first, last] = [events[0], events.at(-1)]
      if (first === undefined || last === undefined) continue
      ranges.push({
        firstLine: first.line,
        lastLine: last.line,
        count: events.length,
        isAbsent: false,
        index: firstIndex,
      })
    }
    return joinAdjacent(ranges.toSorted((one, other) => one.index - other.index))
  }

  #accept(event: MarketEvent, { position }: Extract<AppendResult, { position: unknown }>): void {
    const { partition, offset } = position
    const known = this.#offsets.get(partition)
    const channel = channelOfType[event.T]
    this.acknowledged += 1
    this.byChannel.set(channel, (this.byChannel.get(channel) ?? 0) + 1)
    this.#offsets.set(partition, {
      partition,
      count: (known?.count ?? 0) + 1,
      first: Math.min(known?.first ?? offset, offset),
      last: Math.max(known?.last ?? offset, offset),
    })
  }

  #refuse(at: { line: number; index: number }, result: { readonly error: TickerError } | undefined): void {
    const { line, index } = at
    const message = result?.error.message ?? 'the log gave no answer'
    const isAbsent = result !== undefined && appendFailureOf(result.error) !== 'unconfirmed'
    this.errors.set(message, (this.errors.get(message) ?? 0) + 1)
    this.#refused.push({ firstLine: line, lastLine: line, count: 1, isAbsent, index })
  }
}

function joinAdjacent(ranges: readonly IndexedLines[]): IndexedLines[] {
  const joined: IndexedLines[] = []
  for (const range of ranges) {
    const before = joined.at(-1)
    const isNext = before?.isAbsent === range.isAbsent && before.index + before.count === range.index
    if (!isNext) joined.push(range)
    else {
      const count = before.count + range.count
      joined[joined.length - 1] = { ...before, lastLine: range.lastLine, count }
    }
  }
  return joined
}
