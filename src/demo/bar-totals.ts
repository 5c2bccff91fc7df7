import type { Bar, Trade } from '../event/event.ts'

/** A trade as the bars see it; a correction puts another in its place. */
export interface Print {
  readonly ns: number
  readonly cents: number
  readonly trade: Trade
}

/** What a bar says of its trades, in whole cents, so that it is exact. */
export interface BarTotals {
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly shares: number
  readonly trades: number
  /** The sum of price times size, in cents. */
  readonly value: number
}

/** The totals of trades in order of time; `undefined` without any. */
export function totalsOf(prints: readonly Print[]): BarTotals | undefined {
  const first = prints[0]
  const last = prints.at(-1)
  if (first === undefined || last === undefined) return undefined
  let { cents: high, cents: low } = first
  let shares = 0
  let value = 0
  for (const { cents, trade } of prints) {
    if (cents > high) high = cents
    if (cents < low) low = cents
    shares += trade.s
    value += cents * trade.s
  }
  return { open: first.cents, high, low, close: last.cents, shares, trades: prints.length, value }
}

/** The totals of two spans that follow each other. */
export function joinTotals(
  earlier: BarTotals | undefined,
  later: BarTotals | undefined,
): BarTotals | undefined {
  if (earlier === undefined || later === undefined) return earlier ?? later
  return {
    open: earlier.open,
    high: Math.max(earlier.high, later.high),
    low: Math.min(earlier.low, later.low),
    close: later.close,
    shares: earlier.shares + later.shares,
    trades: earlier.trades + later.trades,
    value: earlier.value + later.value,
  }
}

/** The totals as an event; `t` is the start of the bar. */
export function barEvent(T: Bar['T'], S: string, t: string, totals: BarTotals): Bar {
  return {
    T,
    S,
    o: totals.open / 100,
    h: totals.high / 100,
    l: totals.low / 100,
    c: totals.close / 100,
    v: totals.shares,
    n: totals.trades,
    vw: averagePrice(totals),
    t,
  }
}

/**
 * The volume-weighted average in dollars, rounded to six decimals. The whole cents are divided off first: all numbers
 * stay below 2^53, so that the rounding is that of the exact fraction.
 */
function averagePrice({ value, shares }: BarTotals): number {
  const cents = Math.floor(value / shares)
  return (cents * 1e4 + Math.round(((value - cents * shares) * 1e4) / shares)) / 1e6
}
