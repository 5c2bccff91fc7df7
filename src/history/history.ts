import type { MarketEvent } from '../event/event.ts'
import type { Partition, Position } from '../event/log-record.ts'

/** An event that was read from the log again. */
export interface HistoricEvent {
  readonly event: MarketEvent
  readonly offset: number
  /**
   * The event in JSON, if its record has it as it may be passed on: a view that is valid until the next
   * batch.
   */
  readonly json: Buffer | undefined
}

/** The events at the offsets `[from, to)` of a partition. Records without an event are left out. */
export interface HistoryBatch {
  readonly from: number
  readonly to: number
  readonly events: readonly HistoricEvent[]
}

/** The offsets of a partition that can be read again. */
export interface ReadableRange {
  /** The first offset in the log. */
  readonly first: number
  /** The first offset that a reader without the scope `history` may read: older ones are too old. */
  readonly recent: number
  /** The end: the last stable offset. */
  readonly stable: number
}

/** Reads the log again, for readers whose events are not in memory any more. */
export interface History {
  /**
   * Returns what can be read, as of a few seconds ago at most. Rejects if the log does not answer in time.
   */
  readableRange(partition: Partition): Promise<ReadableRange>
  /** Returns the present end. A delayed feed has not reached it yet. */
  end(partition: Partition): Promise<number>
  /**
   * Reads from a position up to `to`, or to the end. If a batch begins later than the last one ended, the
   * offsets between are gone. Rejects if the log does not answer in time, or the topic was recreated.
   */
  read(from: Position, to: number, signal: AbortSignal): AsyncIterable<HistoryBatch>
}
