/** Adds up the CPU of this process, all its threads and the kernel included, by the stage that it was used in. */
export class StageClock<Stage extends string> {
  readonly #usedUs = new Map<Stage, number>()
  #lastUs = cpuUs()

  /** Leaves out what was used since the last call. */
  restart(): void {
    this.#lastUs = cpuUs()
  }

  /** Everything since the last call belongs to this stage. */
  end(stage: Stage): void {
    const nowUs = cpuUs()
    this.#usedUs.set(stage, (this.#usedUs.get(stage) ?? 0) + nowUs - this.#lastUs)
    this.#lastUs = nowUs
  }

  /** Microseconds of a stage. */
  us(stage: Stage): number {
    return this.#usedUs.get(stage) ?? 0
  }
}

/** A call takes about 2 µs, so stages are ended once in hundreds of events. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
