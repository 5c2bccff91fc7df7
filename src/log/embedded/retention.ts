import type { Clock } from '../../system/clock.ts'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import { embeddedLogError, type EmbeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import type { LogFile } from './log-file.ts'
import type { PartitionStore } from './partition-store.ts'

const checkIntervalMs = 100
/** The pause between two steps, which leaves time for all other work. */
const stepPauseMs = 1

export interface RetentionOptions {
  readonly file: LogFile
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly clock: Clock
  readonly stats: EmbeddedLogStats
  readonly logger: WarnLog
}

interface OldestRecord {
  readonly store: PartitionStore
  readonly timestampMs: number
}

/**
 * Drops the oldest records when the file holds more bytes, or older records, than allowed. It takes the
 * oldest of all partitions, so the log goes back to about the same moment in each. It works in small steps
 * beside the appends, faster than these come. The file's pages are used again; the file does not shrink.
 */
export class Retention {
  readonly #options: RetentionOptions
  #timer: NodeJS.Timeout
  #isFaulty = false

  /** Starts at once, until `stop`. Its timer does not keep the process alive. */
  constructor(options: RetentionOptions) {
    this.#options = options
    this.#timer = this.#schedule(stepPauseMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #schedule(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const hasMore = this.#tryStep()
      this.#timer = this.#schedule(hasMore ? stepPauseMs : checkIntervalMs)
    }, delayMs).unref()
  }

  /** Tries a locked file again later. Logs any other fault once, until a step succeeds. */
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

  /** Returns whether it dropped something, so that there may be more. */
  #step(): boolean {
    const { file, retentionBytes, retentionMs, clock, stats } = this.#options
    const oldest = oldestOf(file.stores)
    const bytes = file.usedBytes() - retentionBytes
    const horizonMs = clock.wall() - retentionMs
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
function oldestOf(stores: readonly PartitionStore[]): OldestRecord | undefined {
  let oldest: OldestRecord | undefined
  for (const store of stores) {
    const timestampMs = store.oldestMs()
    if (timestampMs === undefined) continue
    if (oldest === undefined || timestampMs < oldest.timestampMs) oldest = { store, timestampMs }
  }
  return oldest
}
