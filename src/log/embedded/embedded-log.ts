import type { MarketEvent } from '../../event/event.ts'
import type { AppendResult, Ends, EventLog, LogBatch, Partition, Position } from '../event-log.ts'
import type { Topics } from '../topics.ts'
import { AppendQueue } from './append-queue.ts'
import { AppendWatch } from './append-watch.ts'
import { Checkpoints } from './checkpoints.ts'
import { faultError } from './embedded-log-error.ts'
import { type EmbeddedLogStats, createEmbeddedLogStats } from './embedded-log-stats.ts'
import { LogFile, type Patience, patiently } from './log-file.ts'
import { type FaultLog, LogReader } from './log-reader.ts'
import { type PartitionStore, isSamePartition } from './partition-store.ts'
import { RecordWriter } from './record-writer.ts'
import { Retention } from './retention.ts'

export interface EmbeddedLogOptions {
  /** Of the SQLite file, beside which SQLite keeps a `-wal` and a `-shm` file. Made if absent, with its folder. */
  readonly path: string
  readonly topics: Topics
  /** Of topics that the file does not have yet; 1 if left out. The others keep their number. */
  readonly partitionsPerTopic?: number
  /** What the file holds before its oldest records are dropped; 1 GiB if left out. */
  readonly retentionBytes?: number
  /** How old records become; an hour if left out. */
  readonly retentionMs?: number
  /** How long another process may lock the file before appends and single reads fail; 5 s if left out. */
  readonly lockTimeoutMs?: number
  readonly logger: FaultLog
  /** Milliseconds since 1970; `Date.now` if left out. */
  readonly clock?: () => number
}

/** A log in a file of this machine. */
export interface EmbeddedLog extends EventLog {
  readonly stats: Readonly<EmbeddedLogStats>
}

const defaultRetentionBytes = 2 ** 30
const defaultRetentionMs = 3_600_000
const defaultLockTimeoutMs = 5000

/**
 * Opens the log in a file of this machine, for development without a broker. Several processes may open the
 * same file at once, to read and to append; each drops records by its own limits. When its position is told,
 * an event survives the end of the process; a loss of power may take the last moments' events, but leaves the
 * file whole. Throws an EmbeddedLogError where the file cannot be used.
 */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new FileLog(options)
}

class FileLog implements EmbeddedLog {
  readonly stats = createEmbeddedLogStats()
  readonly #file: LogFile
  readonly #patience: Patience
  readonly #queue: AppendQueue
  readonly #reader: LogReader
  readonly #retention: Retention
  readonly #checkpoints: Checkpoints
  readonly #closing = new AbortController()

  constructor(options: EmbeddedLogOptions) {
    const { path, topics, logger, clock = Date.now } = options
    const { retentionBytes = defaultRetentionBytes, retentionMs = defaultRetentionMs } = options
    const topicNames = [...new Set(Object.values(topics))]
    const file = new LogFile({
      path,
      topics: topicNames,
      partitionsPerTopic: options.partitionsPerTopic ?? 1,
    })
    const watch = new AppendWatch(() => file.dataVersion())
    this.#file = file
    this.#patience = { path, lockTimeoutMs: options.lockTimeoutMs ?? defaultLockTimeoutMs }
    this.#checkpoints = new Checkpoints({ path, stats: this.stats, logger })
    this.#queue = new AppendQueue({
      writer: new RecordWriter(file, topics, clock),
      patience: this.#patience,
      stats: this.stats,
      onAppend: () => {
        watch.wake()
        this.#checkpoints.start()
      },
    })
    const closing = this.#closing.signal
    this.#reader = new LogReader({
      file,
      watch,
      patience: this.#patience,
      stats: this.stats,
      logger,
      closing,
    })
    this.#retention = new Retention({ file, retentionBytes, retentionMs, clock, stats: this.stats, logger })
  }

  get silentSinceMs(): number | undefined {
    return this.#reader.fault?.sinceMs
  }

  get trouble(): string | undefined {
    return this.#reader.fault?.message
  }

  async partitions(signal: AbortSignal): Promise<readonly Position[]> {
    signal.throwIfAborted()
    const { stores, epoch } = this.#file
    return this.#ask(() =>
      stores.map(store => ({ partition: store.partition, epoch, offset: store.ends().first })),
    )
  }

  tail(from: readonly Position[], signal: AbortSignal): AsyncIterable<readonly LogBatch[]> {
    return this.#reader.tail(from, signal)
  }

  async *range(
    partition: Partition,
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<LogBatch, void, undefined> {
    yield* this.#reader.range(this.#storeOf(partition), [from, to], signal)
  }

  async ends(partition: Partition): Promise<Ends> {
    const store = this.#storeOf(partition)
    return this.#ask(() => store.ends())
  }

  async offsetAt(partition: Partition, timeMs: number): Promise<number> {
    const store = this.#storeOf(partition)
    return this.#ask(() => store.offsetAt(timeMs))
  }

  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    return this.#queue.append(events)
  }

  /** Writes what waits to be appended before it closes the file. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#retention.stop()
    await this.#queue.drained()
    await this.#checkpoints.stop()
    this.#file.close()
  }

  #ask<Answer>(question: () => Answer): Promise<Answer> {
    return patiently(this.#patience, question)
  }

  #storeOf(partition: Partition): PartitionStore {
    const store = this.#file.stores.find(each => isSamePartition(each.partition, partition))
    if (store !== undefined) return store
    throw faultError(this.#file.path, 'unknown', `${partition.topic}/${partition.partition}`)
  }
}
