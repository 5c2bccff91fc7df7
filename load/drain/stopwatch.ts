/** How a backlog was read. */
export interface Drained {
  readonly events: number
  /** From the call to the first events: connections, positions, for a group its joining. */
  readonly toFirstMs: number
  /** Of the events after the first ones, in this many seconds and with so much CPU of the process. */
  readonly counted: number
  readonly seconds: number
  readonly cpuUs: number
}

/** Clocks a backlog from its first events to its last. */
export class Stopwatch {
  /** Resolves with the result when the last event was counted. */
  readonly done: Promise<Drained>
  readonly #expected: number
  readonly #begunMs = performance.now()
  #resolve: (drained: Drained) => void = () => undefined
  #first = { events: 0, atMs: 0, cpuUs: 0 }
  #events = 0

  constructor(expected: number) {
    this.#expected = expected
    this.done = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  /** Notes events that were read. */
  count(events: number): void {
    if (events === 0) return
    const isFirst = this.#events === 0
    this.#events += events
    if (isFirst) this.#first = { events, atMs: performance.now(), cpuUs: cpuUs() }
    else if (this.#events >= this.#expected) this.#resolve(this.#result())
  }

  #result(): Drained {
    const { events, atMs, cpuUs: before } = this.#first
    return {
      events: this.#events,
      toFirstMs: atMs - this.#begunMs,
      counted: this.#events - events,
      seconds: (performance.now() - atMs) / 1000,
      cpuUs: cpuUs() - before,
    }
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
