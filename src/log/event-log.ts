import type { TickerError } from '../diagnostics/ticker-error.ts'
import type { MarketEvent } from '../event/event.ts'
import type { LogRecord, Partition, Position } from '../event/log-record.ts'

export type { Partition, Position } from '../event/log-record.ts'
export type { LogRecord, RecordHeader } from '../event/log-record.ts'

/**
 * The records of `[from, to)` of one partition, in order of offset, none left out that a reader of committed
 * data may see. The range also counts the offsets that carry none: control records and aborted transactions.
 * The next batch of a partition begins where the last one ended; a later `from` says that what lies between
 * is gone (by retention or compaction) or unreadable, an earlier one that the log was truncated, another `epoch` that
 * the topic was made again.
 */
export interface LogBatch {
  readonly partition: Partition
  readonly epoch: string
  readonly from: number
  readonly to: number
  /** The last stable offset known when the batch was read: how far a reader could be. */
  readonly stable: number
  readonly records: readonly LogRecord[]
}

/** What became of one appended event: where it lies, or why it does not. */
export type AppendResult = { readonly position: Position } | { readonly error: TickerError }

/** The offsets between which a partition can be read: `first` is readable unless it equals `stable`. */
export interface Ends {
  readonly first: number
  readonly stable: number
}

/**
 * Ordered, partitioned, append-only storage of market events. Implementations: Kafka, and an embedded file.
 * Both pass the suite in `test/log/conformance.ts`.
 */
export interface EventLog {
  /** Since when something that a tail follows cannot be read, in ms on a clock that only goes on; `undefined` while all of it can be. */
  readonly silentSinceMs?: number | undefined
  /** What is wrong with it now, in words for an operator, each once; `undefined` where nothing is known to be. */
  readonly trouble?: string | undefined

  /**
   * The partitions of the configured topics and their beginnings' epochs, as positions of the first readable
   * offset. Waits, retrying, until the log answers; rejects only when `signal` aborts.
   */
  partitions(signal: AbortSignal): Promise<readonly Position[]>

  /**
   * Follows every partition of the configured topics for ever, also those that appear later (from their
   * first offset). A partition named in `from` starts there, any other at its first offset. A position that the
   * log does not have is told at once by a batch, perhaps without records, that begins elsewhere. What one read
   * brought comes as one array, in slices of at most some thousand records, so that a consumer can do one
   * flush per array and yield to the event loop between them. Never rejects for a fault of the log, which it
   * outlasts by retrying; ends when `signal` aborts.
   */
  tail(from: readonly Position[], signal: AbortSignal): AsyncIterable<readonly LogBatch[]>

  /**
   * Reads `[from, to)` of one partition once, on a connection of its own, and ends there, or at the last stable offset. Rejects
   * when the log does not answer in time or the topic was made again.
   */
  range(partition: Partition, from: number, to: number, signal: AbortSignal): AsyncIterable<LogBatch>

  /** The partition's first readable and last stable offset now. */
  ends(partition: Partition): Promise<Ends>

  /** The first offset whose record is not older than `timeMs`; the last stable offset where none is. */
  offsetAt(partition: Partition, timeMs: number): Promise<number>

  /**
   * Appends events, each to its topic, keyed by symbol (news: by its id), and says for each, in order, where it lies.
   * Events of one key keep their order. An event is durable when its position is told.
   */
  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]>

  /** Ends every tail and range, and releases what the log holds. */
  close(): Promise<void>
}
