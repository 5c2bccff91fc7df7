import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { TickerError } from '../diagnostics/ticker-error.ts'
import { eventTimeMs } from '../event/event-time.ts'
import { EventFault } from '../event/parse-event.ts'
import type { EventTimes } from '../log/delayed-log.ts'
import type { LogRecord, Partition } from '../log/event-log.ts'
import type { RecordDecoder } from './record-decoder.ts'

/** The decoder module could not prepare a batch, so the times of its events are not known. */
class EventTimesError extends TickerError {
  readonly code = 'TICKER_EVENT_TIMES'
}

/** Decoding a thousand records takes some milliseconds. */
const sliceMs = 1

/** Finds the times of events for a delayed log, before they are due. Rejects if the decoder has failed. */
export function createEventTimes(records: RecordDecoder): EventTimes {
  return async (batch, signal) => {
    await records.prepare([batch], signal)
    if (records.trouble !== undefined) throw new EventTimesError(records.trouble)
    const times = new Float64Array(batch.records.length)
    let untilMs = performance.now() + sliceMs
    for (const [index, record] of batch.records.entries()) {
      times[index] = timeOf(record, batch.partition, records)
      if (performance.now() < untilMs) continue
      await nextLoopTurn()
      untilMs = performance.now() + sliceMs
    }
    return times
  }
}

/** `NaN` for a record without an event: nobody gets it. */
function timeOf(record: LogRecord, partition: Partition, records: RecordDecoder): number {
  const peeked = records.peekTimeMs(record)
  if (peeked !== undefined) return peeked
  const decoded = records.decode(record, partition)
  if (decoded === undefined || decoded instanceof EventFault) return Number.NaN
  return eventTimeMs(decoded.event)
}
