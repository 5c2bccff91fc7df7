import { setTimeout } from 'node:timers/promises'
import type { MarketEvent } from '../../../src/event/event.ts'
import { DelayedLog } from '../../../src/log/delayed-log.ts'
import type { AppendResult, EventLog } from '../../../src/log/event-log.ts'
import type { LogUnderTest } from '../conformance.ts'

const delayMs = 20
/** Timestamps have whole milliseconds, and so has the wall clock; a record is due after its millisecond. */
const wallClockMs = 5

/** A delayed log and the one underneath as one. An append resolves when its events are due. */
class WholeDelayedLog extends DelayedLog {
  readonly #log: EventLog

  constructor(log: EventLog) {
    super({ log, delayMs })
    this.#log = log
  }

  override async append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    const results = await super.append(events)
    await setTimeout(delayMs + wallClockMs)
    return results
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#log.close()
  }
}

/** Puts a short delay over a log under test. */
export function delayed(opened: LogUnderTest): LogUnderTest {
  return {
    ...opened,
    log: new WholeDelayedLog(opened.log),
    reopen: async () => new WholeDelayedLog(await opened.reopen()),
  }
}
