import type { TickerError } from '../diagnostics/ticker-error.ts'
import type { MarketEvent } from '../event/event.ts'
import type { LogRecord, Partition, Position } from '../event/log-record.ts'

export type { Partition, Position } from '../event/log-record.ts'
export type { LogRecord, RecordHeader } from '../event/log-record.ts'

/**
 * All records of `[from, to)` of one partition that a reader of committed data may see, in order of offset.
 * Some offsets carry no record: those of control records and aborted transactions. The next batch of a
 * partition begins where the last one ended. If it begins later, the offsets between are gone (by retention
 * or compaction) or unreadable. If it begins earlier, the log was truncated. If its `epoch` differs, the
 * topic was recreated.
 */
export interface LogBatch {
  readonly partition: Partition
  readonly epoch: string
  readonly from: number
  readonly to: number
  /** The last stable offset known when the batch was read: the furthest that a reader could be. */
  readonly stable: number
  readonly records: readonly LogRecord[]
}

/** The outcome of appending one event: its position, or the error. */
export type AppendResult = { readonly position: Position } | { readonly error: TickerError }

/** The range `[first, stable)` in which a partition can be read. */
export interface Ends {
  readonly first: number
  readonly stable: number
  /** In a delayed log: where the log underneath ends. What lies between was written, but is not due. */
  readonly written?: number
}

/**
 * Ordered, partitioned, append-only storage of market events. Implementations: Kafka, and an embedded file.
 * Both pass the suite in `test/log/conformance.ts`.
 */
export interface EventLog {
  /** Since when some partition of a tail cannot be read, on the steady clock; `undefined` if all can be. */
  readonly silentSinceMs?: number | undefined
  /** The log's present faults, in words for an operator, each once; `undefined` if none is known. */
  readonly trouble?: string | undefined

  /**
   * The first readable position of each partition of the configured topics. Waits, and retries, until the log
   * answers. Rejects only when `signal` aborts.
   */
  partitions(signal: AbortSignal): Promise<readonly Position[]>

  /**
   * Follows every partition of the configured topics for ever, also partitions that appear later. A partition
   * named in `from` starts there, any other at its first offset. If the log does not have a position, a batch
   * that begins elsewhere says so at once, perhaps without records. The batches of one read come as one
   * array, in slices of at most some thousand records, so that a consumer can flush once for each array and
   * yield to the event loop between them. Never rejects for a fault of the log, but retries. Ends when
   * `signal` aborts.
   */
  tail(from: readonly Position[], signal: AbortSignal): AsyncIterable<readonly LogBatch[]>

  /**
   * Reads `[from, to)` of one partition once, up to the last stable offset, without holding up a tail.
   * Rejects when the log does not answer in time, or the topic was recreated. A consumer that may leave early
   * says how much to fetch at a time (`fetchBytes`; where that is less than one record batch, it is one).
   */
  range(
    partition: Partition,
    from: number,
    to: number,
    signal: AbortSignal,
    fetchBytes?: number,
  ): AsyncIterable<LogBatch>

  /** The partition's present range of readable offsets. */
  ends(partition: Partition): Promise<Ends>

  /** The first offset whose record is not older than `timeMs`, or the last stable offset if there is none. */
  offsetAt(partition: Partition, timeMs: number): Promise<number>

  /**
   * Appends events, each to its topic, keyed by symbol (news: by its id). Resolves with the outcome for each,
   * in order. Events of one key keep their order. An event is durable once its position is returned.
   */
  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]>

  /** Ends every tail and range, and releases the log's resources. */
  close(): Promise<void>
}
