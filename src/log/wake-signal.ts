/** Starts a timer, and returns a function that stops it. */
export type StartTimer = (run: () => void, ms: number) => () => void

/** The timers of Node. */
export const startRealTimer: StartTimer = (run, ms) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/** Wakes one waiter. A notification while nobody waits is kept for the next wait. Several count as one. */
export class WakeSignal {
  readonly #startTimer: StartTimer
  #isNotified = false
  #wake: (() => void) | undefined

  constructor(startTimer: StartTimer = startRealTimer) {
    this.#startTimer = startTimer
  }

  notify(): void {
    this.#isNotified = true
    this.#wake?.()
  }

  /** Resolves when notified, or after `timeoutMs`, and says whether it was notified. */
  async wait(timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (!this.#isNotified) await this.#sleep(timeoutMs)
    const isNotified = this.#isNotified
    this.#isNotified = false
    return isNotified
  }

  async #sleep(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const stop = Number.isFinite(timeoutMs) ? this.#startTimer(resolve, timeoutMs) : undefined
    await promise
    stop?.()
    this.#wake = undefined
  }
}
