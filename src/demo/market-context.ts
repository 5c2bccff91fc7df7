import type { MarketEvent } from '../event/event.ts'
import type { Activity, OrderFlow } from './order-flow.ts'
import type { MeanRevertingWalk } from './price-model.ts'
import type { Random, WeightedChoice } from './random.ts'
import type { Stock } from './stock.ts'
import type { Timestamps } from './timestamps.ts'

/** A task that runs once; a recurring task schedules itself again. */
type ScheduledTask = (ns: number) => void

interface Entry {
  readonly dueNs: number
  readonly task: ScheduledTask
}

/** The scheduled tasks of the simulation. There are a dozen at most, so a list is fast enough. */
export class EventScheduler {
  readonly #entries: Entry[] = []
  #dueNs = Number.POSITIVE_INFINITY

  /** When the earliest task is due. */
  get dueNs(): number {
    return this.#dueNs
  }

  /** Schedules a task; the time is truncated to whole nanoseconds. */
  at(ns: number, task: ScheduledTask): void {
    const dueNs = Math.floor(ns)
    this.#entries.push({ dueNs, task })
    if (dueNs < this.#dueNs) this.#dueNs = dueNs
  }

  /** Removes the earliest task and runs it at `ns`; of several, the one scheduled first. */
  run(ns: number): void {
    const index = this.#entries.findIndex(entry => entry.dueNs === this.#dueNs)
    const [entry] = this.#entries.splice(index, 1)
    this.#dueNs = this.#entries.reduce((least, { dueNs }) => Math.min(least, dueNs), Number.POSITIVE_INFINITY)
    entry?.task(ns)
  }
}

/** The state that the parts of the demo market share. */
export interface MarketContext {
  readonly random: Random
  readonly timestamps: Timestamps
  readonly scheduler: EventScheduler
  readonly activity: Activity
  /** All stocks, the most active first. */
  readonly stocks: readonly Stock[]
  /** Draws a stock by its share of the activity. */
  readonly chooser: WeightedChoice<Stock>
  readonly orders: OrderFlow
  /** The walk that moves all stocks together. */
  readonly market: MeanRevertingWalk
  /** Emits the next event of the market; times do not go back, except for bars and late trades. */
  readonly emit: (event: MarketEvent) => void
}

interface VisitOptions {
  readonly scheduler: EventScheduler
  readonly stocks: readonly Stock[]
  readonly fromNs: number
  readonly stepNs: number
  readonly visit: (stock: Stock, ns: number) => void
  /** Called after the last stock. */
  readonly done?: (ns: number) => void
}

/**
 * Visits one stock after another at intervals, the most active first, so that not all stocks act in one
 * instant.
 */
export function visitInTurn(options: VisitOptions): void {
  const { scheduler, stocks } = options
  const visitFrom = (index: number, ns: number): void => {
    const stock = stocks[index]
    if (stock === undefined) {
      options.done?.(ns)
      return
    }
    options.visit(stock, ns)
    scheduler.at(ns + options.stepNs, later => visitFrom(index + 1, later))
  }
  scheduler.at(options.fromNs, ns => visitFrom(0, ns))
}
