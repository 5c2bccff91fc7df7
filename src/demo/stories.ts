import type { BarTotals } from './bar-totals.ts'
import type { Random } from './random.ts'
import type { Stock } from './stock.ts'

/** What a news item says, and about whom. */
export interface Story {
  readonly headline: string
  readonly summary: string
  readonly symbols: readonly string[]
}

/** A stock with its session so far. */
interface Subject {
  readonly symbol: string
  readonly day: BarTotals
  /** Since the session's first trade. */
  readonly change: number
}

const whole = new Intl.NumberFormat('en-US')

/** Tells a story of what the market itself just did, about none to three stocks; `undefined` before anything traded. */
export function tellStory(drawn: readonly Stock[], all: readonly Stock[], random: Random): Story | undefined {
  const subjects = drawn.flatMap(stock => subjectOf(stock) ?? [])
  const [first, second, third] = subjects
  if (first === undefined) return tellOfMarket(all)
  if (second === undefined) return random.pick([tellOfMove, tellOfRange, tellOfVolume, tellOfAverage])(first)
  return third === undefined ? tellOfTwo(first, second) : tellOfThree(first, second, third)
}

/** The story of a halt. */
export function tellOfHalt(stock: Stock): Story | undefined {
  const subject = subjectOf(stock)
  if (subject === undefined) return undefined
  const { symbol, day, change } = subject
  return {
    headline: `${symbol} paused for volatility at ${dollars(day.close)}`,
    summary: `Trading in ${symbol} is paused after its price stayed at the limit, ${percent(change)} since the open.`,
    symbols: [symbol],
  }
}

function tellOfMove({ symbol, day, change }: Subject): Story {
  return {
    headline: `${symbol} ${change < 0 ? 'slips' : 'gains'} ${percent(Math.abs(change), '')} to ${dollars(day.close)}`,
    summary: `${symbol} opened at ${dollars(day.open)} and has traded between ${dollars(day.low)} and ${dollars(day.high)}.`,
    symbols: [symbol],
  }
}

function tellOfRange({ symbol, day }: Subject): Story {
  const isHigh = day.high - day.close < day.close - day.low
  const edge = isHigh ? `high of ${dollars(day.high)}` : `low of ${dollars(day.low)}`
  return {
    headline: `${symbol} trades near its session ${edge}`,
    summary: `The last price is ${dollars(day.close)}; the session's range so far is ${dollars(day.high - day.low)} wide.`,
    symbols: [symbol],
  }
}

function tellOfVolume({ symbol, day }: Subject): Story {
  return {
    headline: `${symbol} volume reaches ${whole.format(day.shares)} shares`,
    summary: `${whole.format(day.trades)} trades so far, ${whole.format(Math.round(day.shares / day.trades))} shares each on average.`,
    symbols: [symbol],
  }
}

function tellOfAverage({ symbol, day }: Subject): Story {
  const average = day.value / day.shares
  const relation = day.close < average ? 'below' : 'above'
  return {
    headline: `${symbol} holds ${relation} its average price of ${dollars(average)}`,
    summary: `At ${dollars(day.close)} it is ${percent(day.close / average - 1)} from the session's volume-weighted average.`,
    symbols: [symbol],
  }
}

function tellOfTwo(first: Subject, second: Subject): Story {
  const [better, worse] = first.change < second.change ? [second, first] : [first, second]
  return {
    headline: `${better.symbol} outpaces ${worse.symbol}: ${percent(better.change)} against ${percent(worse.change)}`,
    summary: `${better.symbol} last traded at ${dollars(better.day.close)}, ${worse.symbol} at ${dollars(worse.day.close)}.`,
    symbols: [better.symbol, worse.symbol],
  }
}

function tellOfThree(...subjects: readonly [Subject, Subject, Subject]): Story {
  const sorted = subjects.toSorted((one, other) => other.day.shares - one.day.shares)
  const symbols = sorted.map(({ symbol }) => symbol)
  return {
    headline: `Most shares traded: ${symbols.join(', ')}`,
    summary: sorted.map(({ symbol, day }) => `${symbol} ${whole.format(day.shares)}`).join('; '),
    symbols,
  }
}

function tellOfMarket(stocks: readonly Stock[]): Story | undefined {
  const subjects = stocks.flatMap(stock => subjectOf(stock) ?? [])
  if (subjects.length === 0) return undefined
  const higher = subjects.filter(({ change }) => change > 0).length
  const trades = subjects.reduce((sum, { day }) => sum + day.trades, 0)
  return {
    headline: `Market breadth: ${higher} of ${subjects.length} symbols above their opening price`,
    summary: `${whole.format(trades)} trades in the session so far.`,
    symbols: [],
  }
}

function subjectOf(stock: Stock): Subject | undefined {
  const day = stock.ledger.day
  if (day === undefined) return undefined
  return { symbol: stock.instrument.symbol, day, change: day.close / day.open - 1 }
}

function dollars(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`
}

function percent(fraction: number, plus = '+'): string {
  const text = (fraction * 100).toFixed(2)
  return `${fraction < 0 ? '' : plus}${text}%`
}
