import type { MarketEvent } from '../event/event.ts'
import { Halts } from './halts.ts'
import { type Instrument, activityWeight, listInstruments } from './instruments.ts'
import { EventScheduler, type MarketContext } from './market-context.ts'
import { Newswire } from './newswire.ts'
import { Activity, OrderFlow } from './order-flow.ts'
import { createMarketWalk } from './price-model.ts'
import { Random, WeightedChoice } from './random.ts'
import { Revisions } from './revisions.ts'
import { scheduleBands, scheduleBars, scheduleBursts, scheduleOpening } from './session-schedule.ts'
import { Stock } from './stock.ts'
import { Timestamps } from './timestamps.ts'

interface DemoMarketOptions {
  /** A whole number; the same seed repeats the same market, event by event. */
  readonly seed: number
  /** When the session opens, in milliseconds since 1970. */
  readonly startMs: number
}

/**
 * Ids of trades and news are based on the time of the start, so that a later run of the same day has higher
 * ones.
 */
const tradeIdsPerSecond = 1000
const newsIdsFromMs = Date.UTC(2020, 0)
/** Trade ids on tape A are as long as NYSE's, above 2^32. */
const tapeATradeId = 52_983_000_000_000

/**
 * A generated market of 300 US symbols on all ten channels, whose session opens at the start and never
 * closes. It has no timer, clock or randomness of its own: the same options give the same events, in however
 * many steps it is advanced.
 *
 * Bars count every trade in the order of its time, odd lots too. Corrections and cancels change the bars of
 * the minute and the day that contain the trade; where the minute's bar was published already, it follows as
 * `u` at the next half minute. Trades never go back in time within a symbol, except late ones (condition
 * `Z`), which belong to the minute before. A halted symbol has no trades, quotes, bands, corrections or
 * cancels; the bars of its earlier trades still come.
 */
export class DemoMarket {
  readonly symbols: readonly string[]
  readonly #startMs: number
  readonly #scheduler: EventScheduler
  readonly #orders: OrderFlow
  #events: MarketEvent[] = []
  #ns = 0

  constructor(options: DemoMarketOptions) {
    this.#startMs = Math.floor(options.startMs)
    const context = createContext(options.seed, this.#startMs, event => this.#events.push(event))
    this.symbols = context.stocks.map(({ instrument }) => instrument.symbol)
    this.#scheduler = context.scheduler
    this.#orders = context.orders
    scheduleOpening(context)
    scheduleBars(context)
    scheduleBands(context)
    scheduleBursts(context)
    new Revisions(context).start()
    const newswire = new Newswire(context, Math.floor((this.#startMs - newsIdsFromMs) / 1000))
    newswire.start()
    new Halts(context, (stock, ns) => newswire.reportHalt(stock, ns)).start()
  }

  /** The time that the market has reached, in milliseconds since 1970. */
  get nowMs(): number {
    return this.#startMs + this.#ns / 1e6
  }

  /** Advances to `toMs` (not included) and returns the events until then in order of time. */
  advance(toMs: number): readonly MarketEvent[] {
    const toNs = Math.floor((toMs - this.#startMs) * 1e6)
    for (;;) {
      const dueNs = Math.min(this.#scheduler.dueNs, this.#orders.dueNs)
      if (dueNs >= toNs) break
      // After a skip, overdue tasks run now.
      this.#ns = Math.max(this.#ns, dueNs)
      if (this.#scheduler.dueNs === dueNs) this.#scheduler.run(this.#ns)
      else this.#orders.step(this.#ns)
    }
    this.#ns = Math.max(this.#ns, toNs)
    const events = this.#events
    this.#events = []
    return events
  }

  /**
   * Skips the time until `toMs` without trades and quotes. Tasks that were due in it (bars, a halt's end) run
   * at the beginning of the next advance.
   */
  skip(toMs: number): void {
    this.#ns = Math.max(this.#ns, Math.floor((toMs - this.#startMs) * 1e6))
    this.#orders.scheduleNext(this.#ns)
  }
}

/** Creates the market of a seed, which opens at a time. */
export function createDemoMarket(options: DemoMarketOptions): DemoMarket {
  return new DemoMarket(options)
}

function createContext(seed: number, startMs: number, emit: (event: MarketEvent) => void): MarketContext {
  const random = new Random(seed)
  const timestamps = new Timestamps(startMs)
  const market = createMarketWalk(random)
  const instruments = listInstruments()
  const weights = instruments.map((_, rank) => activityWeight(rank))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const stockOf = (instrument: Instrument, rank: number): Stock => {
    const activity = (weights[rank] ?? 0) / total
    const firstTradeId = firstTradeIdOf(instrument, startMs)
    return new Stock({ instrument, rank, activity, market, random, timestamps, firstTradeId })
  }
  const stocks = instruments.map(stockOf)
  const activity = new Activity(random)
  const chooser = new WeightedChoice(stocks, weights)
  const orders = new OrderFlow({ random, activity, chooser, emit })
  return {
    random,
    timestamps,
    scheduler: new EventScheduler(),
    activity,
    stocks,
    chooser,
    orders,
    market,
    emit,
  }
}

function firstTradeIdOf({ tape }: Instrument, startMs: number): number {
  const second = Math.floor(startMs / 1000) % 86_400
  return (tape === 'A' ? tapeATradeId : 0) + second * tradeIdsPerSecond
}
