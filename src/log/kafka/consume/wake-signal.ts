/** Wakes one waiter. A ring while nobody waits is kept for the next wait; several count as one. */
export class WakeSignal {
  #isRung = false
  #wake: (() => void) | undefined

  notify(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Resolves with whether it was rung: at once, or within `timeoutMs`. */
  async wait(timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    if (!this.#isRung) await this.#sleep(timeoutMs)
    const isRung = this.#isRung
    this.#isRung = false
    return isRung
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
