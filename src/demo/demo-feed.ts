import type { MarketEvent } from '../event/event.ts'
import type { EventLog } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import type { DemoMarket } from './demo-market.ts'

/** Calls `run` at an interval until the returned function is called. */
type StartInterval = (intervalMs: number, run: () => void) => () => void

interface DemoFeedOptions {
  readonly log: Pick<EventLog, 'append'>
  /** Its session should open about now; only the feed advances it. */
  readonly market: Pick<DemoMarket, 'advance' | 'skip' | 'nowMs'>
  readonly logger: WarnLog
  readonly clock?: Clock
  /** `setInterval` if left out. */
  readonly every?: StartInterval
}

/** The statistics of the feed so far. */
interface DemoFeedStats {
  /** Events that the log accepted. */
  readonly appended: number
  /** Events that the log refused. */
  readonly failed: number
  /** How often a stall was skipped, and how many milliseconds of market in all. */
  readonly skips: number
  readonly skippedMs: number
}

export interface DemoFeed {
  readonly stats: DemoFeedStats
  /** Ends the feed; resolves when the append under way has ended. */
  stop(): Promise<void>
}

const intervalMs = 10
/**
 * After a slow append or a stall of the process this much is made up for; more, such as a laptop's sleep, is
 * skipped.
 */
const mostCatchUpMs = 1000
/** Between two warnings about failed appends. */
const warningIntervalMs = 10_000

/**
 * Appends the demo market's events to a log as time passes. One append is under way at a time; the next one
 * contains the events that came meanwhile, up to a second of them. A failed append loses its events, is
 * counted and logged, and the feed continues.
 */
export function startDemoFeed(options: DemoFeedOptions): DemoFeed {
  return new RunningFeed(options)
}

class RunningFeed implements DemoFeed {
  readonly #log: Pick<EventLog, 'append'>
  readonly #market: DemoFeedOptions['market']
  readonly #clock: Clock
  readonly #warnings: WarnLog
  readonly #cancel: () => void
  #underWay: Promise<void> | undefined
  #stats: DemoFeedStats = { appended: 0, failed: 0, skips: 0, skippedMs: 0 }

  constructor(options: DemoFeedOptions) {
    const { clock = systemClock, every = repeat } = options
    this.#log = options.log
    this.#market = options.market
    this.#clock = clock
    this.#warnings = new RateLimitedLog(options.logger, warningIntervalMs, clock)
    this.#cancel = every(intervalMs, () => this.#proceed())
  }

  get stats(): DemoFeedStats {
    return this.#stats
  }

  async stop(): Promise<void> {
    this.#cancel()
    await this.#underWay
  }

  #proceed(): void {
    if (this.#underWay !== undefined) return
    const nowMs = this.#clock.wall()
    this.#skipStall(nowMs)
    const events = this.#market.advance(nowMs)
    if (events.length === 0) return
    this.#underWay = this.#append(events).finally(() => {
      this.#underWay = undefined
    })
  }

  #skipStall(nowMs: number): void {
    const behindMs = nowMs - this.#market.nowMs
    if (behindMs <= mostCatchUpMs) return
    this.#market.skip(nowMs)
    const { skips, skippedMs } = this.#stats
    this.#stats = { ...this.#stats, skips: skips + 1, skippedMs: skippedMs + behindMs }
  }

  async #append(events: readonly MarketEvent[]): Promise<void> {
    let failed = events.length
    try {
      const results = await this.#log.append(events)
      const errors = results.flatMap(result => ('error' in result ? [result.error] : []))
      failed = errors.length
      if (failed > 0) this.#warn(errors[0], failed)
    } catch (thrown) {
      this.#warn(thrown, failed)
    }
    const { appended, failed: failedBefore } = this.#stats
    this.#stats = {
      ...this.#stats,
      appended: appended + events.length - failed,
      failed: failedBefore + failed,
    }
  }

  #warn(cause: unknown, events: number): void {
    this.#warnings.warn({ err: cause, events }, 'the log did not take events of the demo feed')
  }
}

const repeat: StartInterval = (milliseconds, run) => {
  const timer = setInterval(run, milliseconds)
  return () => clearInterval(timer)
}
