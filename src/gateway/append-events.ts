import type { AppendEvents } from '../http/publish/append-events.ts'
import { appendFaultOf } from '../log/append-fault.ts'
import type { EventLog } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../rate-limited-log.ts'

/** Appends to a log for those outside, who learn no more of a fault than whether an event may be there; the operator reads the rest. */
export function createAppendEvents(log: EventLog, logger: WarnLog): AppendEvents {
  const faultLog = new RateLimitedLog(logger)
  return async events => {
    const results = await log.append(events)
    const errors = results.flatMap(result => ('error' in result ? [result.error] : []))
    const [first] = errors
    if (first !== undefined) {
      faultLog.warn(
        { error: first.message, events: errors.length },
        'events of POST /v1/events were not appended',
      )
    }
    return results.map(result => ('error' in result ? { fault: appendFaultOf(result.error) } : result))
  }
}
