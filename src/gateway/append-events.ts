import type { AppendEvents, AppendFault } from '../http/publish/append-events.ts'
import { EmbeddedLogError } from '../log/embedded/embedded-log-error.ts'
import type { EventLog } from '../log/event-log.ts'
import { UnsentError } from '../log/kafka/kafka-error.ts'
import { RateLimitedLog, type WarnLog } from '../rate-limited-log.ts'
import type { TickerError } from '../ticker-error.ts'

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
    return results.map(result => ('error' in result ? { fault: faultOf(result.error) } : result))
  }
}

/** A transaction of the embedded log that failed has written nothing. */
function faultOf(error: TickerError): AppendFault {
  return error instanceof UnsentError || error instanceof EmbeddedLogError ? 'unsent' : 'unconfirmed'
}
