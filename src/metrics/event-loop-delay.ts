import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was, in seconds. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  /** The longest gap, in which no client was served. */
  readonly max: number
}

const resolutionMs = 10
/** Longer than Prometheus commonly waits between two scrapes. */
const windowMs = 60_000

/**
 * How late the event loop was in the last one to two minutes. Reading resets nothing, so two Prometheus
 * servers, or a person beside one, see the same values.
 */
export class EventLoopDelay {
  #older = startMonitor()
  #younger = startMonitor()
  #turnedMs: number

  constructor(nowMs: number) {
    this.#turnedMs = nowMs
  }

  /** `nowMs` is on the same clock as in the constructor. */
  read(nowMs: number): Delays {
    if (nowMs - this.#turnedMs >= windowMs) this.#turn(nowMs)
    const histogram = this.#older
    return {
      p50: toSeconds(histogram.percentile(50)),
      p99: toSeconds(histogram.percentile(99)),
      max: toSeconds(histogram.max),
    }
  }

  #turn(nowMs: number): void {
    this.#older.reset()
    ;[this.#older, this.#younger] = [this.#younger, this.#older]
    this.#turnedMs = nowMs
  }
}

function startMonitor(): ReturnType<typeof monitorEventLoopDelay> {
  const monitor = monitorEventLoopDelay({ resolution: resolutionMs })
  monitor.enable()
  return monitor
}

/** The histogram counts its own sampling interval into every delay. */
function toSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1000)
}
