import type { MarketEvent } from '../../event/event.ts'
import { eventTime } from './findings.ts'
import type { PublishSpeed } from './publish-arguments.ts'

/** Decides when each event of a sequence is published. */
export interface PublishSchedule {
  /**
   * Returns the ms until the event is due. 0 means now, and the next call is for the next event. `nowMs` is
   * on a monotonic clock.
   */
  waitMs(event: MarketEvent, nowMs: number): number
}

/** How much of a delay is made up for. The schedule moves by the rest, so that no flood follows a stall. */
const maxCatchUpMs = 1000

export function createPublishSchedule(request: PublishSpeed): PublishSchedule {
  if (request.kind === 'full') return { waitMs: () => 0 }
  return new TimedSchedule(request.kind === 'rate' ? evenOffsets(request.perSecond) : ownOffsets())
}

/** An event's offset from the first one, in milliseconds; `undefined`: together with the one before. */
type Offsets = (event: MarketEvent, index: number) => number | undefined

class TimedSchedule implements PublishSchedule {
  readonly #offsets: Offsets
  #startMs: number | undefined
  /** The latest offset so far: an event with an earlier time is due at once. */
  #latestMs = 0
  #index = 0

  constructor(offsets: Offsets) {
    this.#offsets = offsets
  }

  waitMs(event: MarketEvent, nowMs: number): number {
    const offsetMs = Math.max(this.#latestMs, this.#offsets(event, this.#index) ?? 0)
    const startMs = this.#startMs ?? nowMs
    const waitMs = startMs + offsetMs - nowMs
    if (waitMs > 0) return waitMs
    this.#latestMs = offsetMs
    this.#startMs = startMs + Math.max(0, -waitMs - maxCatchUpMs)
    this.#index += 1
    return 0
  }
}

function evenOffsets(perSecond: number): Offsets {
  return (_event, index) => (index * 1000) / perSecond
}

function ownOffsets(): Offsets {
  let firstMs: number | undefined
  return event => {
    const emittedMs = emissionMs(event)
    if (emittedMs === undefined || Number.isNaN(emittedMs)) return undefined
    firstMs ??= emittedMs
    return emittedMs - firstMs
  }
}

/**
 * Returns when an event was published originally. A bar carries the time at which it begins: a minute bar
 * ends a minute later; an updated or daily bar goes with its neighbours.
 */
function emissionMs(event: MarketEvent): number | undefined {
  if (event.T === 'u' || event.T === 'd') return undefined
  return Date.parse(eventTime(event)) + (event.T === 'b' ? 60_000 : 0)
}
