import { Worker } from 'node:worker_threads'
import { embeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import type { FaultLog } from './log-reader.ts'

export interface CheckpointsOptions {
  readonly path: string
  readonly stats: EmbeddedLogStats
  readonly logger: FaultLog
}

/**
 * Has the write-ahead log copied into the file by a thread of its own, from the first append on. Should the
 * thread end by a fault, the appends' own connection does it (see `LogFile`).
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  #thread: Worker | undefined

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  /** Starts the thread where it does not run yet. It does not keep the process alive. */
  start(): void {
    if (this.#thread !== undefined) return
    this.#thread = new Worker(threadUrl(), { workerData: this.#options.path })
    this.#thread.unref()
    this.#thread.on('error', thrown => {
      this.#options.stats.faults += 1
      const err = embeddedLogError(this.#options.path, thrown)
      this.#options.logger.warn({ err }, 'the embedded log is copied by its appends from now on')
    })
  }

  async stop(): Promise<void> {
    await this.#thread?.terminate()
  }
}

/** Beside this module, and with its extension: `.ts` here, `.js` in the published package. */
function threadUrl(): URL {
  return new URL(import.meta.url.replace(/checkpoints(\.\w+)$/, 'checkpoint-thread$1'))
}
