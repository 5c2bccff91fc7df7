import type { MarketEvent } from '../event/event.ts'
import type { Partition, Position } from '../event/log-record.ts'

/** An event that lies in the log. */
export interface HistoricEvent {
  readonly event: MarketEvent
  readonly offset: number
  /** The event in JSON, where its record has it as it may be passed on; a view that is good until the next batch. */
  readonly json: Buffer | undefined
}

/** The events at the offsets `[from, to)` of a partition; records that are none are left out. */
export interface HistoryBatch {
  readonly from: number
  readonly to: number
  readonly events: readonly HistoricEvent[]
}

/** What of a partition can be read again. */
export interface ReadableRange {
  /** The first offset there is. */
  readonly first: number
  /** The first offset that is not older than a reader without further rights may go back. */
  readonly recent: number
  /** The end. */
  readonly stable: number
}

/** What the log still has, for readers that want what the node does not hold any more. */
export interface History {
  /** Some seconds old at most. Rejects when the log does not answer in time. */
  reach(partition: Partition): Promise<ReadableRange>
  /** The end now. */
  end(partition: Partition): Promise<number>
  /**
   * Reads from a position up to `to`, or to the end. A batch that begins later than the last one ended says that what lies between is
   * gone. Rejects when the log does not answer in time, or the topic was made again.
   */
  read(from: Position, to: number, signal: AbortSignal): AsyncIterable<HistoryBatch>
}
