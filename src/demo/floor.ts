import type { MarketEvent } from '../event/event.ts'
import type { Activity } from './activity.ts'
import type { Agenda } from './agenda.ts'
import type { MeanRevertingWalk } from './mean-reverting-walk.ts'
import type { OrderFlow } from './order-flow.ts'
import type { Random } from './random.ts'
import type { Stock } from './stock.ts'
import type { Timestamps } from './timestamps.ts'
import type { WeightedChoice } from './weighted-choice.ts'

/** What the parts of the demo market share: the trading floor. */
export interface Floor {
  readonly random: Random
  readonly timestamps: Timestamps
  readonly agenda: Agenda
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
