import { ownCpuUs } from '../../lib/clocks.ts'

/** How a backlog was read. */
export interface Drained {
  readonly events: number
  /** From the call to the first events: connections, positions, for a group its joining. */
  readonly toFirstMs: number
  /** The events after the first ones, and the seconds and the CPU of the process that they took. */
  readonly counted: number
  readonly seconds: number
  readonly cpuUs: number
}

/** Times a backlog from its first events to its last. */
export class Stopwatch {
  /** Resolves with the result when the last event was counted. */
  readonly done: Promise<Drained>
  readonly #expected: number
  readonly #begunMs = performance.now()
  readonly #resolve: (drained: Drained) => void
  #first = { events: 0, atMs: 0, cpuUs: 0 }
  #events = 0

  constructor(expected: number) {
    const { promise, resolve } = Promise.withResolvers<Drained>()
    this.#expected = expected
    this.done = promise
    this.#resolve = resolve
  }

  /** Counts events that were read; returns whether they were the last. */
  count(events: number): boolean {
    if (events === 0) return false
    const isFirst = this.#events === 0
    this.#events += events
    if (isFirst) this.#first = { events, atMs: performance.now(), cpuUs: ownCpuUs() }
    else if (this.#events >= this.#expected) this.#resolve(this.#result())
    return this.#events >= this.#expected
  }

  #result(): Drained {
    const { events, atMs, cpuUs } = this.#first
    return {
      events: this.#events,
      toFirstMs: atMs - this.#begunMs,
      counted: this.#events - events,
      seconds: (performance.now() - atMs) / 1000,
      cpuUs: ownCpuUs() - cpuUs,
    }
  }
}
