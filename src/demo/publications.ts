import type { Floor } from './floor.ts'
import { sweep } from './sweep.ts'

const barStepNs = 0.4e6
const bandStepNs = 0.2e6
const bandIntervalNs = 30e9
/** The bands of so many of the most active are repeated at every interval, those of the others when they move. */
const repeatedBands = 100

/**
 * Publishes bars just after each half minute: the minute's at the full one, minute bars that late trades, corrections
 * or cancels changed at the half one, the running day's at both. A sweep over all stocks takes 120 ms.
 */
export function scheduleBars(floor: Floor): void {
  const { agenda, stocks, timestamps, emit } = floor
  const next = (afterNs: number): void =>
    sweep({
      agenda,
      stocks,
      fromNs: timestamps.nextHalfMinute(afterNs),
      stepNs: barStepNs,
      visit: ({ ledger }, ns) => {
        for (const bar of ledger.publish(timestamps.minute(ns))) emit(bar)
        for (const bar of ledger.publishUpdates()) emit(bar)
        const day = ledger.publishDay()
        if (day !== undefined) emit(day)
      },
      done: next,
    })
  next(0)
}

/** Publishes price bands every 30 seconds. */
export function scheduleBands(floor: Floor): void {
  const { agenda, stocks, timestamps, emit } = floor
  const next = (afterNs: number): void =>
    sweep({
      agenda,
      stocks,
      fromNs: afterNs + bandIntervalNs,
      stepNs: bandStepNs,
      visit: (stock, ns) => {
        if (!stock.isTrading) return
        const hasMoved = stock.bands.update()
        if (hasMoved || stock.rank < repeatedBands) emit(stock.bands.luld('B', timestamps.text(ns)))
      },
      done: next,
    })
  next(0)
}
