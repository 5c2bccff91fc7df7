import { Worker } from 'node:worker_threads'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import { embeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'

export interface CheckpointerOptions {
  readonly path: string
  readonly stats: EmbeddedLogStats
  readonly logger: WarnLog
}

/**
 * Has a thread of its own copy the write-ahead log into the file, from the first append on. If the thread
 * ends by a fault, the connection of the appends copies it instead (see `LogFile`).
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions
  #thread: Worker | undefined

  constructor(options: CheckpointerOptions) {
    this.#options = options
  }

  /** Starts the thread if it does not run yet. The thread does not keep the process alive. */
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
  return new URL(import.meta.url.replace(/checkpointer(\.\w+)$/, 'checkpoint-thread$1'))
}
