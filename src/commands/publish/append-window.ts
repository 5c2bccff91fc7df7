import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'
import type { AppendResult, EventLog } from '../../log/event-log.ts'
import { Acknowledgements, type PendingBatch, type NumberedEvent } from './acknowledgements.ts'

/** The log rejected a whole append, which it never should. */
class AppendError extends TickerError {
  readonly code = 'TICKER_APPEND'
}

export interface AppendWindowOptions {
  readonly log: Pick<EventLog, 'append'>
  /** How many events may be under way. A single append may be larger. */
  readonly maxEvents: number
  /** Called after each answer of the log. */
  readonly onSettled: () => void
}

/**
 * Appends events to the log in their order, so that those of one key keep theirs, and limits how many are
 * under way.
 */
export class AppendWindow {
  readonly acknowledgements = new Acknowledgements()
  readonly #options: AppendWindowOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: AppendWindowOptions) {
    this.#options = options
  }

  /** Whether the log has refused an event: then nothing more is appended. */
  get hasFailed(): boolean {
    return this.acknowledgements.hasRefusals
  }

  /** Appends events to the log; resolves when there is room for more. */
  async append(events: readonly NumberedEvent[]): Promise<void> {
    if (events.length === 0) return
    await this.#until(() => this.acknowledgements.waiting + events.length <= this.#options.maxEvents)
    // Later events must not arrive without the refused one.
    if (this.hasFailed) return
    const appending = this.#settle(this.acknowledgements.begin(events))
    this.#underWay.add(appending)
    void appending.then(() => this.#underWay.delete(appending))
  }

  /** Resolves when the log has answered for every event. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #until(hasRoom: () => boolean): Promise<void> {
    while (this.#underWay.size > 0 && !hasRoom()) await Promise.race(this.#underWay)
  }

  async #settle(batch: PendingBatch): Promise<void> {
    const results = await this.#append(batch)
    this.acknowledgements.settle(batch, results)
    this.#options.onSettled()
  }

  async #append({ events }: PendingBatch): Promise<readonly AppendResult[]> {
    try {
      return await this.#options.log.append(events.map(({ event }) => event))
    } catch (thrown) {
      const error = new AppendError(messageOf(thrown), { cause: thrown })
      return events.map(() => ({ error }))
    }
  }
}
