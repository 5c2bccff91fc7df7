import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'
import type { AppendResult, EventLog } from '../../log/event-log.ts'
import { Acknowledgements, type Batch, type NumberedEvent } from './acknowledgements.ts'

/** The log rejected a whole call, which it should not. */
class AppendError extends TickerError {
  readonly code = 'TICKER_APPEND'
}

export interface AppendWindowOptions {
  readonly log: Pick<EventLog, 'append'>
  /** How many events may be under way; one call may bring more where none are. */
  readonly maxEvents: number
  /** Called after each answer of the log. */
  readonly onSettled: () => void
}

/**
 * Hands events to the log in the order in which they come, so that those of one key keep theirs, and lets only so many
 * be under way at once.
 */
export class AppendWindow {
  readonly acknowledgements = new Acknowledgements()
  readonly #options: AppendWindowOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: AppendWindowOptions) {
    this.#options = options
  }

  /** Whether the log has refused anything: then nothing more should be handed to it. */
  get hasFailed(): boolean {
    return this.acknowledgements.hasRefusals
  }

  /** Hands events to the log; resolves once there is room for more. */
  async append(events: readonly NumberedEvent[]): Promise<void> {
    if (events.length === 0) return
    await this.#until(() => this.acknowledgements.waiting + events.length <= this.#options.maxEvents)
    // What follows a refused event would arrive without it.
    if (this.hasFailed) return
    const appending = this.#settle(this.acknowledgements.begin(events))
    this.#underWay.add(appending)
    void appending.then(() => this.#underWay.delete(appending))
  }

  /** Resolves when the log has answered for everything. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async #until(hasRoom: () => boolean): Promise<void> {
    while (this.#underWay.size > 0 && !hasRoom()) await Promise.race(this.#underWay)
  }

  async #settle(batch: Batch): Promise<void> {
    const results = await this.#append(batch)
    this.acknowledgements.settle(batch, results)
    this.#options.onSettled()
  }

  async #append({ events }: Batch): Promise<readonly AppendResult[]> {
    try {
      return await this.#options.log.append(events.map(({ event }) => event))
    } catch (thrown) {
      const error = new AppendError(messageOf(thrown), { cause: thrown })
      return events.map(() => ({ error }))
    }
  }
}
