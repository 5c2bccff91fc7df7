import type { Status } from '../event/event.ts'
import { type MarketContext, visitInTurn } from './market-context.ts'
import type { Stock } from './stock.ts'

/** The statuses are published within some ten milliseconds, the auctions within the first seconds. */
const statusStepNs = 30_000
const auctionsFromNs = 15e6
const auctionStepNs = 7.3e6

/** Schedules the opening: every stock's status, then its auction and its bands, the most active first. */
export function scheduleOpening(context: MarketContext): void {
  const { scheduler, stocks, timestamps, emit } = context
  visitInTurn({
    scheduler,
    stocks,
    fromNs: 0,
    stepNs: statusStepNs,
    visit: (stock, ns) => emit(statusEvent('opening', stock, timestamps.text(ns))),
  })
  visitInTurn({
    scheduler,
    stocks,
    fromNs: auctionsFromNs,
    stepNs: auctionStepNs,
    visit: (stock, ns) => {
      for (const event of stock.auction('opening', ns)) emit(event)
      emit(stock.bands.luld('A', timestamps.text(ns)))
    },
  })
}

const barStepNs = 0.4e6
const bandStepNs = 0.2e6
const bandIntervalNs = 30e9
/**
 * How many of the most active stocks have their bands repeated at every interval; those of others follow when
 * they move.
 */
const repeatedBands = 100

/**
 * Schedules bars just after each half minute: the minute's bar at the full minute, minute bars that late
 * trades, corrections or cancels have changed at the half minute, the day's bar at both. All stocks take 120
 * ms.
 */
export function scheduleBars(context: MarketContext): void {
  const { scheduler, stocks, timestamps, emit } = context
  const next = (afterNs: number): void =>
    visitInTurn({
      scheduler,
      stocks,
      fromNs: timestamps.nextHalfMinute(afterNs),
      stepNs: barStepNs,
      visit: ({ barBuilder }, ns) => {
        for (const bar of barBuilder.publish(timestamps.minute(ns))) emit(bar)
        for (const bar of barBuilder.publishUpdates()) emit(bar)
        const day = barBuilder.publishDay()
        if (day !== undefined) emit(day)
      },
      done: next,
    })
  next(0)
}

/** Schedules price bands every 30 seconds. */
export function scheduleBands(context: MarketContext): void {
  const { scheduler, stocks, timestamps, emit } = context
  const next = (afterNs: number): void =>
    visitInTurn({
      scheduler,
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

/** How fast a burst moves the whole market, as a fraction a second. */
const leastDrift = 0.0003
const mostDrift = 0.0012

/**
 * Schedules bursts: about once a minute all stocks trade heavily for a second or two and the market as a
 * whole moves.
 */
export function scheduleBursts(context: MarketContext): void {
  const { scheduler, random, activity, market } = context
  const begin = (ns: number): void => {
    const endNs = ns + random.between(1.2e9, 2.3e9)
    activity.burst(endNs)
    const direction = market.value > 0 !== random.chance(0.4) ? -1 : 1
    market.drift(direction * random.between(leastDrift, mostDrift))
    scheduler.at(endNs, end)
  }
  const end = (ns: number): void => {
    market.drift(0)
    scheduler.at(ns + random.between(25e9, 40e9) + random.exponential() * 25e9, begin)
  }
  scheduler.at(random.between(20e9, 40e9), begin)
}

/**
 * The statuses of the demo market, with the codes of UTP (tape C). The opening uses them for every tape, so
 * that one table describes the whole demo; halts happen on tape C only.
 */
const statuses = {
  opening: { sc: 'T', sm: 'Trading', rc: '', rm: '' },
  halt: { sc: 'H', sm: 'Trading Halt', rc: 'LUDP', rm: 'Volatility Trading Pause' },
  resumption: { sc: 'T', sm: 'Trading Resumption', rc: '', rm: '' },
} as const satisfies Record<string, Pick<Status, 'sc' | 'sm' | 'rc' | 'rm'>>

export function statusEvent(kind: keyof typeof statuses, stock: Stock, t: string): Status {
  return { T: 's', S: stock.instrument.symbol, ...statuses[kind], t, z: stock.instrument.tape }
}
