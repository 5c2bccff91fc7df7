import type { MarketEvent } from '../event/event.ts'
import type { Activity, OrderFlow } from './order-flow.ts'
import type { MeanRevertingWalk } from './price-model.ts'
import type { Random, WeightedChoice } from './random.ts'
import type { Stock } from './stock.ts'
import type { Timestamps } from './timestamps.ts'

/** Something that is to happen once at a time; what recurs enters itself again. */
type ScheduledTask = (ns: number) => void

interface Entry {
  readonly dueNs: number
  readonly duty: ScheduledTask
}

/** What is to happen and when: a dozen entries at most, so that a list does. */
export class EventScheduler {
  readonly #entries: Entry[] = []
  #dueNs = Number.POSITIVE_INFINITY

  /** When the earliest entry is due. */
  get dueNs(): number {
    return this.#dueNs
  }

  /** Enters a duty; the time is cut to whole nanoseconds. */
  at(ns: number, duty: ScheduledTask): void {
    const dueNs = Math.floor(ns)
    this.#entries.push({ dueNs, duty })
    if (dueNs < this.#dueNs) this.#dueNs = dueNs
  }

  /** Takes the earliest entry out and does it at `ns`; of several, the one entered first. */
  run(ns: number): void {
    const index = this.#entries.findIndex(entry => entry.dueNs === this.#dueNs)
    const [entry] = this.#entries.splice(index, 1)
    this.#dueNs = this.#entries.reduce((least, { dueNs }) => Math.min(least, dueNs), Number.POSITIVE_INFINITY)
    entry?.duty(ns)
  }
}

/** What the parts of the demo market share: the trading floor. */
export interface MarketContext {
  readonly random: Random
  readonly timestamps: Timestamps
  readonly agenda: EventScheduler
  readonly activity: Activity
  /** Every stock, the most active first. */
  readonly stocks: readonly Stock[]
  /** Draws a stock by its share of the activity. */
  readonly chooser: WeightedChoice<Stock>
  readonly orders: OrderFlow
  /** What moves all stocks together. */
  readonly market: MeanRevertingWalk
  /** Takes the next event of the market; times do not go back, but for bars and late trades. */
  readonly emit: (event: MarketEvent) => void
}

interface SweepOptions {
  readonly agenda: EventScheduler
  readonly stocks: readonly Stock[]
  readonly fromNs: number
  readonly stepNs: number
  readonly visit: (stock: Stock, ns: number) => void
  /** Called after the last stock. */
  readonly done?: (ns: number) => void
}

/** Visits one stock after another, a step apart, the most active first: what concerns all does not happen in one instant. */
export function sweep(options: SweepOptions): void {
  const { agenda, stocks } = options
  const visitFrom = (index: number, ns: number): void => {
    const stock = stocks[index]
    if (stock === undefined) {
      options.done?.(ns)
      return
    }
    options.visit(stock, ns)
    agenda.at(ns + options.stepNs, later => visitFrom(index + 1, later))
  }
  agenda.at(options.fromNs, ns => visitFrom(0, ns))
}
