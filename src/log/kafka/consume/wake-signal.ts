/** Wakes one waiter. A notification while nobody waits is kept for the next wait. Several count as one. */
export class WakeSignal {
  #isNotified = false
  #wake: (() => void) | undefined

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
    const timer = Number.isFinite(timeoutMs) ? setTimeout(resolve, timeoutMs) : undefined
    await promise
    clearTimeout(timer)
    this.#wake = undefined
  }
}
