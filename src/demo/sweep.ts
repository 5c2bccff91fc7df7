import type { Agenda } from './agenda.ts'
import type { Stock } from './stock.ts'

export interface SweepOptions {
  readonly agenda: Agenda
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
