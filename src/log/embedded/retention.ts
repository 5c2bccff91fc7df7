import { embeddedLogError, type EmbeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import type { FaultLog } from './log-reader.ts'
import type { LogFile } from './log-file.ts'
import type { PartitionStore } from './partition-store.ts'

const checkMs = 100
/** Between two steps of one cleaning: time for everything else. */
const stepPauseMs = 1

export interface RetentionOptions {
  readonly file: LogFile
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly clock: () => number
  readonly stats: EmbeddedLogStats
  readonly logger: FaultLog
}

interface Oldest {
  readonly store: PartitionStore
  readonly timestampMs: number
}

/**
 * Drops the oldest records of all partitions together once the file holds more bytes, or older records, than
 * allowed: so the log goes back to about the same moment in each. It works in small steps beside the appends,
 * faster than they come. The file's pages are used again; it does not shrink.
 */
export class Retention {
  readonly #options: RetentionOptions
  #timer: NodeJS.Timeout
  #isFaulty = false

  /** Starts at once, until `stop`. Its timer does not keep the process alive. */
  constructor(options: RetentionOptions) {
    this.#options = options
    this.#timer = this.#later(stepPauseMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #later(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const hasMore = this.#tryStep()
      this.#timer = this.#later(hasMore ? stepPauseMs : checkMs)
    }, delayMs).unref()
  }

  /** A locked file is left for the next time; another fault is told once, until a step succeeds. */
  #tryStep(): boolean {
    try {
      const hasMore = this.#step()
      this.#isFaulty = false
      return hasMore
    } catch (thrown) {
      const error = embeddedLogError(this.#options.file.path, thrown)
      if (error.fault !== 'locked') this.#warn(error)
      return false
    }
  }

  #warn(error: EmbeddedLogError): void {
    this.#options.stats.faults += 1
    if (this.#isFaulty) return
    this.#isFaulty = true
    this.#options.logger.warn({ err: error }, 'the embedded log cannot drop its oldest records')
  }

  /** Returns whether there was something to drop, so that there may be more. */
  #step(): boolean {
    const { file, retentionBytes, retentionMs, clock, stats } = this.#options
    const oldest = oldestOf(file.stores)
    const bytes = file.usedBytes() - retentionBytes
    const horizonMs = clock() - retentionMs
    if (oldest === undefined || (bytes <= 0 && oldest.timestampMs >= horizonMs)) return false
    let dropped = 0
    file.transact(() => {
      dropped = oldest.store.trim({ bytes, horizonMs })
    })
    stats.dropped += dropped
    return true
  }
}

/** The partition with the oldest record of all. */
function oldestOf(stores: readonly PartitionStore[]): Oldest | undefined {
  let oldest: Oldest | undefined
  for (const store of stores) {
    const timestampMs = store.oldestMs()
    if (timestampMs === undefined) continue
    if (oldest === undefined || timestampMs < oldest.timestampMs) oldest = { store, timestampMs }
  }
  return oldest
}
