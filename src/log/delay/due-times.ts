import type { Moment } from '../../system/clock.ts'
import type { LogBatch } from '../event-log.ts'
import type { WrittenTimes } from './written-times.ts'

/** An event time this long after its record's timestamp, or longer, counts as this long after it. */
export const maxEventAheadMs = 5000

/**
 * The times of a batch's events in ms since 1970, `NaN` where a record has none; `undefined` if nobody could
 * say in time.
 */
export type EventTimesOfBatch = ArrayLike<number> | undefined

export interface DueTimesOptions {
  readonly delayMs: number
  readonly eventTimes: EventTimesOfBatch
  readonly written: WrittenTimes
  readonly now: Moment
}

/**
 * When each record of a batch is due, on the steady clock: the delay after the later of its timestamp and its
 * event's time, the latter at most five seconds after the former. A record cannot have been written after it
 * was seen in the log, so a timestamp later than that counts as that time; so does a missing one, unless the
 * record was due when reading began (`WrittenTimes.beforeUndated`).
 */
export function dueTimes({ records }: LogBatch, options: DueTimesOptions): Float64Array {
  const { delayMs, eventTimes, written, now } = options
  const due = new Float64Array(records.length)
  for (const [index, { offset, timestampMs }] of records.entries()) {
    const isDated = timestampMs > 0
    const stampedMs = isDated ? now.steadyMs - (now.wallMs - timestampMs) : Number.POSITIVE_INFINITY
    const seenMs = isDated ? written.before(offset) : written.beforeUndated(offset)
    const writtenMs = Math.min(stampedMs, seenMs)
    due[index] = writtenMs + aheadMs(timestampMs, eventTimes?.[index], eventTimes !== undefined) + delayMs
  }
  return due
}

/** How much later than its record an event is. If nobody knows, the most that it can be. */
function aheadMs(timestampMs: number, eventMs: number | undefined, isKnown: boolean): number {
  if (!isKnown) return maxEventAheadMs
  if (eventMs === undefined || Number.isNaN(eventMs) || timestampMs <= 0) return 0
  return Math.min(Math.max(eventMs - timestampMs, 0), maxEventAheadMs)
}
