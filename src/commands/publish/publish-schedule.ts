import type { MarketEvent } from '../../event/event.ts'
import { eventTime } from './findings.ts'
import type { PublishSpeed } from './publish-arguments.ts'

/** Decides when each event of a sequence goes out. */
export interface PublishSchedule {
  /**
   * Milliseconds until the event may go; 0: now, and the next call is about the next event. Time is monotonic.
   */
  waitMs(event: MarketEvent, nowMs: number): number
}

/** How much of a stall is made up for; the rest of the schedule moves, so that a stall ends in no flood. */
const makesUpMs = 1000

export function createPublishSchedule(request: PublishSpeed): PublishSchedule {
  if (request.kind === 'full') return { waitMs: () => 0 }
  return new Schedule(request.kind === 'rate' ? evenOffsets(request.perSecond) : ownOffsets())
}

/** An event's place in the schedule, in milliseconds from the first; `undefined`: it goes with the one before it. */
type Offsets = (event: MarketEvent, index: number) => number | undefined

class Schedule implements PublishSchedule {
  readonly #offsets: Offsets
  #startMs: number | undefined
  /** An event whose time lies before that of an earlier one is due when that was. */
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
    this.#startMs = startMs + Math.max(0, -waitMs - makesUpMs)
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

/** A bar carries the time at which it begins: minute bars end a minute later; of the others only their neighbours know. */
function emissionMs(event: MarketEvent): number | undefined {
  if (event.T === 'u' || event.T === 'd') return undefined
  return Date.parse(eventTime(event)) + (event.T === 'b' ? 60_000 : 0)
}
