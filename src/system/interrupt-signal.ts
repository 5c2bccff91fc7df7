import { systemClock } from './clock.ts'

/** npm passes on a Ctrl-C that the terminal has sent to its child already, so the same signal comes twice. */
const echoMs = 500

/** The meaning of Ctrl-C: the first one stops the program in order, another one ends it at once. */
export class InterruptSignal {
  readonly #stopping = new AbortController()
  readonly #abandoning = new AbortController()
  #stoppedMs = 0

  /** Aborts on the first signal. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Aborts on the second signal. */
  get abandoning(): AbortSignal {
    return this.#abandoning.signal
  }

  /** Handles a signal that came at a time on the steady clock. */
  handle(nowMs: number): void {
    if (!this.stopping.aborted) {
      this.#stoppedMs = nowMs
      this.#stopping.abort()
    } else if (nowMs - this.#stoppedMs >= echoMs) {
      this.#abandoning.abort()
    }
  }

  /**
   * Listens for signals as long as the process lives. SIGHUP (the terminal is gone) means the same: there is
   * nothing to reload on it, because files that may change are watched.
   */
  static ofProcess(): InterruptSignal {
    const interrupt = new InterruptSignal()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => interrupt.handle(systemClock.steady()))
    }
    return interrupt
  }
}
