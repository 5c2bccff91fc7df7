/** npm passes on a Ctrl-C that the terminal has sent to its child already: the same one comes twice. */
const echoMs = 500

/** What Ctrl-C means: the first one stops, another ends at once. */
export class InterruptSignal {
  readonly #stopping = new AbortController()
  readonly #abandoning = new AbortController()
  #stoppedMs = 0

  /** Aborts on the first signal. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Aborts on the second one. */
  get abandoning(): AbortSignal {
    return this.#abandoning.signal
  }

  /** Takes a signal that came at this time, on a monotonic clock. */
  take(nowMs: number): void {
    if (!this.stopping.aborted) {
      this.#stoppedMs = nowMs
      this.#stopping.abort()
    } else if (nowMs - this.#stoppedMs >= echoMs) {
      this.#abandoning.abort()
    }
  }

  /**
   * Listens for as long as the process lives. SIGHUP (the terminal is gone) means the same: there is nothing to read again on it, since
   * files that may change are looked at all the time.
   */
  static ofProcess(): InterruptSignal {
    const interruption = new InterruptSignal()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => interruption.take(performance.now()))
    }
    return interruption
  }
}
