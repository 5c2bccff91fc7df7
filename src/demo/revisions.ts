import type { CancelError, Correction, Trade } from '../event/event.ts'
import type { Print } from './bar-builder.ts'
import type { MarketContext } from './market-context.ts'
import { drawTradeSize, offExchange, roundLot } from './market-conventions.ts'
import type { Stock } from './stock.ts'
import { nsPerMinute } from './timestamps.ts'

/** Mean waiting times. */
const correctionNs = 9e9
const cancelNs = 14e9
const lateTradeNs = 4e9
/** The least age of a trade that is revised. */
const leastAgeNs = 0.5e9
/**
 * The part of a minute in which the previous minute may still change: its updated bar comes at the half
 * minute.
 */
const fromNs = 2e9
const untilNs = nsPerMinute / 2 - 2e9
/** The share of revisions that concern the previous minute, while they may. */
const earlierShare = 0.4

/** A trade and the minute whose bar counts it. */
interface Found {
  readonly print: Print
  readonly minute: number
}

/**
 * Corrects and cancels trades of the last two minutes now and then, and reports some too late for their
 * minute's bar.
 */
export class Revisions {
  readonly #context: MarketContext

  constructor(context: MarketContext) {
    this.#context = context
  }

  start(): void {
    this.#repeat(correctionNs, (stock, ns) => this.#correct(stock, ns))
    this.#repeat(cancelNs, (stock, ns) => this.#cancel(stock, ns))
    this.#repeat(lateTradeNs, (stock, ns) => this.#reportLate(stock, ns))
  }

  #repeat(meanNs: number, revise: (stock: Stock, ns: number) => void): void {
    const { scheduler, random, chooser } = this.#context
    const next = (ns: number): void => {
      const stock = chooser.draw(random)
      if (stock.isTrading) revise(stock, ns)
      scheduler.at(ns + random.exponential() * meanNs, next)
    }
    scheduler.at(random.exponential() * meanNs, next)
  }

  #correct(stock: Stock, ns: number): void {
    const found = this.#find(stock, ns)
    if (found === undefined) return
    const { print, minute } = found
    const { trade } = print
    const { random, timestamps } = this.#context
    const isPriceWrong = random.chance(0.3)
    const error = random.pick([-3, -2, -1, 1, 2, 3])
    const cents = isPriceWrong ? print.cents + error : print.cents
    const size = isPriceWrong ? trade.s : drawTradeSize(random, cents)
    if (cents === print.cents && size === trade.s) return
    const sale = size < roundLot ? 'odd lot' : 'regular'
    const corrected: Trade = {
      ...trade,
      i: stock.nextTradeId(),
      p: cents / 100,
      s: size,
      c: stock.conditions(sale),
    }
    stock.barBuilder.replace(print, { ...print, cents, trade: corrected }, minute)
    this.#context.emit(correctionOf(trade, corrected, timestamps.text(ns)))
  }

  /** Never cancels the only trade of a minute, because its bar could not be withdrawn. */
  #cancel(stock: Stock, ns: number): void {
    const found = this.#find(stock, ns)
    if (found === undefined || stock.barBuilder.prints(found.minute).length === 1) return
    const { i, x, p, s, S, z } = found.print.trade
    if (i === undefined || x === undefined || z === undefined) return
    stock.barBuilder.replace(found.print, undefined, found.minute)
    const a = this.#context.random.chance(0.75) ? 'C' : 'E'
    const event: CancelError = { T: 'x', S, i, x, p, s, a, t: this.#context.timestamps.text(ns), z }
    this.#context.emit(event)
  }

  /** Reports a trade of the previous minute late, at the price of one that was reported in time. */
  #reportLate(stock: Stock, ns: number): void {
    const { random, timestamps } = this.#context
    const minute = timestamps.minute(ns) - 1
    if (!this.#isEarlierOpen(stock, minute, ns)) return
    const prints = stock.barBuilder.prints(minute)
    const beside = prints[random.below(prints.length)]
    if (beside === undefined) return
    const lastNs = ns - timestamps.sinceMinute(ns) - 1
    const atNs = Math.min(beside.ns + random.below(1e6), lastNs)
    const trade: Trade = {
      ...beside.trade,
      i: stock.nextTradeId(),
      x: offExchange,
      s: drawTradeSize(random, beside.cents),
      c: stock.conditions('out of sequence'),
      t: timestamps.text(atNs),
    }
    stock.barBuilder.insert({ ns: atNs, cents: beside.cents, trade }, minute)
    this.#context.emit(trade)
  }

  #find(stock: Stock, ns: number): Found | undefined {
    const { random, timestamps } = this.#context
    const now = timestamps.minute(ns)
    const isEarlier = this.#isEarlierOpen(stock, now - 1, ns) && random.chance(earlierShare)
    const minute = isEarlier ? now - 1 : now
    const prints = stock.barBuilder.prints(minute)
    const print = prints[random.below(prints.length)]
    if (print === undefined || ns - print.ns < leastAgeNs || isAuction(stock, print)) return undefined
    return { print, minute }
  }

  #isEarlierOpen(stock: Stock, minute: number, ns: number): boolean {
    const sinceNs = this.#context.timestamps.sinceMinute(ns)
    return sinceNs >= fromNs && sinceNs < untilNs && stock.barBuilder.isPublished(minute)
  }
}

/** Auctions set the opening price and the bands, so they are never revised. */
function isAuction(stock: Stock, { trade }: Print): boolean {
  return trade.c === stock.conditions('opening') || trade.c === stock.conditions('reopening')
}

function correctionOf(original: Trade, corrected: Trade, t: string): Correction {
  const { S, x, z, i: oi, c: oc } = original
  return {
    T: 'c',
    S,
    ...(x === undefined ? {} : { x }),
    ...(oi === undefined ? {} : { oi }),
    op: original.p,
    os: original.s,
    ...(oc === undefined ? {} : { oc }),
    ...(corrected.i === undefined ? {} : { ci: corrected.i }),
    cp: corrected.p,
    cs: corrected.s,
    ...(corrected.c === undefined ? {} : { cc: corrected.c }),
    t,
    ...(z === undefined ? {} : { z }),
  }
}
