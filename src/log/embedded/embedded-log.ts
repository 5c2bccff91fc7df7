import { type Clock, systemClock } from '../../system/clock.ts'
import type { MarketEvent } from '../../event/event.ts'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import type { AppendResult, Ends, EventLog, LogBatch, Partition, Position } from '../event-log.ts'
import type { Topics } from '../topics.ts'
import { AppendQueue } from './append-queue.ts'
import { AppendWatch } from './append-watch.ts'
import { Checkpointer } from './checkpointer.ts'
import { faultError } from './embedded-log-error.ts'
import { createEmbeddedLogStats, type EmbeddedLogStats } from './embedded-log-stats.ts'
import { LogFile } from './log-file.ts'
import { LogReader } from './log-reader.ts'
import { isSamePartition, type PartitionStore } from './partition-store.ts'
import { RecordWriter } from './record-writer.ts'
import { Retention } from './retention.ts'

export interface EmbeddedLogOptions {
  /** The SQLite file, created if absent, with its folder. SQLite adds a `-wal` and a `-shm` file. */
  readonly path: string
  readonly topics: Topics
  /** For topics that the file does not have yet; 1 if left out. Other topics keep their number. */
  readonly partitionsPerTopic?: number
  /** The size of the file at which its oldest records are dropped; 1 GiB if left out. */
  readonly retentionBytes?: number
  /** The age at which records are dropped; an hour if left out. */
  readonly retentionMs?: number
  /** How long another process may lock the file before appends and single reads fail; 5 s if left out. */
  readonly lockTimeoutMs?: number
  readonly logger: WarnLog
  readonly clock?: Clock
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
 * same file at once, to read and to append; each drops records by its own limits. Once its position is
 * returned, an event survives the end of the process. A loss of power may lose the events of the last
 * moments, but leaves the file intact. Throws an EmbeddedLogError if the file cannot be used.
 */
export function createEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new FileLog(options)
}

class FileLog implements EmbeddedLog {
  readonly stats = createEmbeddedLogStats()
  readonly #file: LogFile
  readonly #queue: AppendQueue
  readonly #reader: LogReader
  readonly #retention: Retention
  readonly #checkpointer: Checkpointer
  readonly #closing = new AbortController()

  constructor(options: EmbeddedLogOptions) {
    const { path, topics, logger, clock = systemClock, partitionsPerTopic = 1 } = options
    const { retentionBytes = defaultRetentionBytes, retentionMs = defaultRetentionMs } = options
    const { lockTimeoutMs = defaultLockTimeoutMs } = options
    const { stats } = this
    const topicNames = [...new Set(Object.values(topics))]
    const file = new LogFile({ path, topics: topicNames, partitionsPerTopic, lockTimeoutMs, clock })
    const watch = new AppendWatch(() => file.dataVersion())
    this.#file = file
    this.#checkpointer = new Checkpointer({ path, stats, logger })
    this.#queue = new AppendQueue({
      file,
      writer: new RecordWriter(file, topics, clock),
      stats,
      onAppend: () => {
        watch.wake()
        this.#checkpointer.start()
      },
    })
    this.#reader = new LogReader({ file, watch, stats, logger, clock, closing: this.#closing.signal })
    this.#retention = new Retention({ file, retentionBytes, retentionMs, clock, stats, logger })
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
    return this.#file.whenUnlocked(() =>
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
    return this.#file.whenUnlocked(() => store.ends())
  }

  async offsetAt(partition: Partition, timeMs: number): Promise<number> {
    const store = this.#storeOf(partition)
    return this.#file.whenUnlocked(() => store.offsetAt(timeMs))
  }

  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    return this.#queue.append(events)
  }

  /** Writes the events that wait to be appended before it closes the file. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#retention.stop()
    await this.#queue.drained()
    await this.#checkpointer.stop()
    this.#file.close()
  }

  #storeOf(partition: Partition): PartitionStore {
    const store = this.#file.stores.find(each => isSamePartition(each.partition, partition))
    if (store !== undefined) return store
    throw faultError(this.#file.path, 'unknown', `${partition.topic}/${partition.partition}`)
  }
}
