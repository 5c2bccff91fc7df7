import { type Channel, channelOfType, type MarketEvent } from '../../event/event.ts'
import { appendFailureOf } from '../../log/append-failure.ts'
import type { AppendResult, Partition } from '../../log/event-log.ts'
import type { TickerError } from '../../diagnostics/ticker-error.ts'

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
interface PlacedStretch extends MissingLines {
  readonly place: number
}

/** Events of one append. */
export interface Batch {
  readonly events: readonly NumberedEvent[]
  /** How many events were appended before. */
  readonly place: number
}

/** The events that the log has acknowledged, those that it has refused, and those under way. */
export class Acknowledgements {
  acknowledged = 0
  readonly byChannel = new Map<Channel, number>()
  /** The reasons of refusals, with the number of events. */
  readonly errors = new Map<string, number>()
  readonly #extents = new Map<Partition, PartitionOffsets>()
  readonly #refused: PlacedStretch[] = []
  readonly #underWay = new Set<Batch>()
  #handedOver = 0

  /** Records that events are being appended; the log's answer goes to `settle`. */
  begin(events: readonly NumberedEvent[]): Batch {
    const batch = { events, place: this.#handedOver }
    this.#handedOver += events.length
    this.#underWay.add(batch)
    return batch
  }

  /** Records the log's answer: a result for each event, in order. */
  settle(batch: Batch, results: readonly AppendResult[]): void {
    this.#underWay.delete(batch)
    for (const [index, { line, event }] of batch.events.entries()) {
      const result = results[index]
      if (result !== undefined && 'position' in result) this.#accept(event, result)
      else this.#refuse({ line, place: batch.place + index }, result)
    }
  }

  /** The number of events under way. */
  get waiting(): number {
    let count = 0
    for (const { events } of this.#underWay) count += events.length
    return count
  }

  get extents(): readonly PartitionOffsets[] {
    return [...this.#extents.values()].toSorted(
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
    const stretches = [...this.#refused]
    for (const { events, place } of this.#underWay) {
      const [first, last] = [events[0], events.at(-1)]
      if (first === undefined || last === undefined) continue
      stretches.push({
        firstLine: first.line,
        lastLine: last.line,
        count: events.length,
        isAbsent: false,
        place,
      })
    }
    return joinNeighbours(stretches.toSorted((one, other) => one.place - other.place))
  }

  #accept(event: MarketEvent, { position }: Extract<AppendResult, { position: unknown }>): void {
    const { partition, offset } = position
    const known = this.#extents.get(partition)
    const channel = channelOfType[event.T]
    this.acknowledged += 1
    this.byChannel.set(channel, (this.byChannel.get(channel) ?? 0) + 1)
    this.#extents.set(partition, {
      partition,
      count: (known?.count ?? 0) + 1,
      first: Math.min(known?.first ?? offset, offset),
      last: Math.max(known?.last ?? offset, offset),
    })
  }

  #refuse(at: { line: number; place: number }, result: { readonly error: TickerError } | undefined): void {
    const { line, place } = at
    const message = result?.error.message ?? 'the log gave no answer'
    const isAbsent = result !== undefined && appendFailureOf(result.error) !== 'unconfirmed'
    this.errors.set(message, (this.errors.get(message) ?? 0) + 1)
    this.#refused.push({ firstLine: line, lastLine: line, count: 1, isAbsent, place })
  }
}

function joinNeighbours(stretches: readonly PlacedStretch[]): PlacedStretch[] {
  const joined: PlacedStretch[] = []
  for (const stretch of stretches) {
    const before = joined.at(-1)
    const isNext = before?.isAbsent === stretch.isAbsent && before.place + before.count === stretch.place
    if (!isNext) joined.push(stretch)
    else {
      const count = before.count + stretch.count
      joined[joined.length - 1] = { ...before, lastLine: stretch.lastLine, count }
    }
  }
  return joined
}
