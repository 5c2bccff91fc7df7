import type { Bar, Trade } from '../event/event.ts'
import { dayOf, dayText, minuteText } from './timestamps.ts'

interface Minute {
  readonly minute: number
  readonly prints: Print[]
  /** Whether its bar was published. */
  isPublished: boolean
  /** Whether a trade was added, corrected or cancelled after its bar was published. */
  isRevised: boolean
}

/**
 * Builds the bars of one symbol from its trades: every trade counts, odd lots too, in the order of its time.
 * The trades of the last two minutes with any are kept, so that late trades, corrections and cancels change
 * the bars of the minute and the day as if they had been there from the start. The rest of the day is kept as
 * totals. A day is one of UTC.
 */
export class BarBuilder {
  readonly #symbol: string
  #previous: Minute | undefined
  #current: Minute | undefined
  /** The totals of the current day, without the two minutes above. */
  #settled: BarTotals | undefined
  #isDayChanged = false

  constructor(symbol: string) {
    this.#symbol = symbol
  }

  /** Adds a trade of the newest minute or a later one. */
  record(print: Print, minute: number): void {
    let current = this.#current
    if (current === undefined || current.minute !== minute) {
      current = { minute, prints: [], isPublished: false, isRevised: false }
      this.#begin(current)
    }
    current.prints.push(print)
    this.#isDayChanged = true
  }

  /** Returns the trades of a minute that can still be revised, in order of time. */
  prints(minute: number): readonly Print[] {
    return this.#find(minute)?.prints ?? []
  }

  /** Whether the minute's bar was published, so that a trade that comes now is late. */
  isPublished(minute: number): boolean {
    return this.#find(minute)?.isPublished ?? false
  }

  /** Adds a late trade at its place in time. */
  insert(print: Print, minute: number): void {
    this.#revise(minute, prints => {
      const place = prints.findIndex(other => other.ns > print.ns)
      prints.splice(place === -1 ? prints.length : place, 0, print)
    })
  }

  /** Replaces a trade by a corrected one, or removes it (a cancel). */
  replace(print: Print, by: Print | undefined, minute: number): void {
    this.#revise(minute, prints => {
      const place = prints.indexOf(print)
      if (place === -1) return
      if (by === undefined) prints.splice(place, 1)
      else prints[place] = by
    })
  }

  /**
   * Returns the unpublished bars of minutes before `minute`; none for a minute whose trades were all
   * cancelled.
   */
  publish(minute: number): readonly Bar[] {
    return this.#bars('b', entry => entry.minute < minute && !entry.isPublished)
  }

  /** Returns the bars that changed after they were published. */
  publishUpdates(): readonly Bar[] {
    return this.#bars('u', entry => entry.isPublished && entry.isRevised)
  }

  /** Returns the day's bar so far, if it has changed since the last call. */
  publishDay(): Bar | undefined {
    if (!this.#isDayChanged || this.#current === undefined) return undefined
    this.#isDayChanged = false
    const totals = this.day
    if (totals === undefined) return undefined
    return barEvent('d', this.#symbol, dayText(dayOf(this.#current.minute)), totals)
  }

  /** The totals of the current day. */
  get day(): BarTotals | undefined {
    const previous = this.#isSameDay(this.#previous) ? this.#previous : undefined
    const recent = joinTotals(totalsOf(previous?.prints ?? []), totalsOf(this.#current?.prints ?? []))
    return joinTotals(this.#settled, recent)
  }

  #begin(next: Minute): void {
    const settling = this.#previous
    this.#previous = this.#current
    this.#current = next
    if (!this.#isSameDay(this.#previous)) this.#settled = undefined
    else if (this.#isSameDay(settling))
      this.#settled = joinTotals(this.#settled, totalsOf(settling?.prints ?? []))
  }

  #isSameDay(entry: Minute | undefined): boolean {
    return entry !== undefined && dayOf(entry.minute) === dayOf(this.#current?.minute ?? -1)
  }

  #find(minute: number): Minute | undefined {
    return [this.#current, this.#previous].find(entry => entry?.minute === minute)
  }

  #revise(minute: number, change: (prints: Print[]) => void): void {
    const entry = this.#find(minute)
    if (entry === undefined) return
    change(entry.prints)
    entry.isRevised = entry.isPublished
    this.#isDayChanged = true
  }

  #bars(type: 'b' | 'u', isDue: (entry: Minute) => boolean): readonly Bar[] {
    const bars: Bar[] = []
    for (const entry of [this.#previous, this.#current]) {
      if (entry === undefined || !isDue(entry)) continue
      entry.isPublished = true
      entry.isRevised = false
      const totals = totalsOf(entry.prints)
      if (totals !== undefined) bars.push(barEvent(type, this.#symbol, minuteText(entry.minute), totals))
    }
    return bars
  }
}

/** A trade as bars count it; a correction replaces it by another. */
export interface Print {
  readonly ns: number
  readonly cents: number
  readonly trade: Trade
}

/** The totals of a bar's trades, exact because they are in whole cents. */
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

/** Returns the totals of trades in order of time; `undefined` without any. */
function totalsOf(prints: readonly Print[]): BarTotals | undefined {
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

/** Returns the totals of two consecutive spans. */
function joinTotals(earlier: BarTotals | undefined, later: BarTotals | undefined): BarTotals | undefined {
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

/** Returns the totals as an event; `t` is the start of the bar. */
function barEvent(T: Bar['T'], S: string, t: string, totals: BarTotals): Bar {
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
 * Returns the volume-weighted average in dollars, rounded to six decimals. The whole cents are divided first:
 * all numbers stay below 2^53, so that the rounding is that of the exact fraction.
 */
function averagePrice({ value, shares }: BarTotals): number {
  const cents = Math.floor(value / shares)
  return (cents * 1e4 + Math.round(((value - cents * shares) * 1e4) / shares)) / 1e6
}
