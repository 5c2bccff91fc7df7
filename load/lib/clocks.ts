/** Microseconds of `CLOCK_MONOTONIC`, which all processes of a machine share. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** CPU that this process has used, in µs: all threads, kernel included. A call takes about 2 µs. */
export function ownCpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Adds up the CPU of this process by the stage that used it. End a stage once in hundreds of events. */
export class StageClock<Stage extends string> {
  readonly #usedUs = new Map<Stage, number>()
  #lastUs = ownCpuUs()

  /** Leaves out what was used since the last call. */
  restart(): void {
    this.#lastUs = ownCpuUs()
  }

  /** Counts everything since the last call as this stage's. */
  end(stage: Stage): void {
    const nowUs = ownCpuUs()
    this.#usedUs.set(stage, this.us(stage) + nowUs - this.#lastUs)
    this.#lastUs = nowUs
  }

  us(stage: Stage): number {
    return this.#usedUs.get(stage) ?? 0
  }
}
