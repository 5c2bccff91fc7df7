import type { ListingTape } from './instruments.ts'
import { type Random, WeightedChoice } from './random.ts'

/** FINRA's trade reporting facilities: all trades off the exchanges. They report trades and never quote. */
export const offExchange = 'D'

/**
 * How quotes are distributed over the exchanges, by listing tape; the codes are those of the consolidated
 * tapes.
 */
const quoteShares = {
  A: { N: 26, P: 14, Q: 15, Z: 12, K: 9, U: 8, V: 6, J: 3, Y: 3, B: 2, X: 1, C: 1, M: 1, H: 2, A: 1, L: 0.3 },
  B: { P: 27, Z: 17, Q: 14, K: 10, N: 8, U: 8, V: 6, J: 4, Y: 3, B: 2, X: 1, H: 2, C: 1, A: 1, L: 0.2 },
  C: { Q: 33, P: 14, Z: 13, K: 10, U: 9, V: 7, N: 4, J: 3, Y: 3, B: 2, X: 1, H: 2, C: 1, A: 1, L: 0.3 },
} as const satisfies Record<ListingTape, Readonly<Record<string, number>>>

/** Draws the exchanges that set the best bid and offer of one tape's listings. */
export function createQuoteExchanges(tape: ListingTape): WeightedChoice<string> {
  const shares = Object.entries(quoteShares[tape])
  return new WeightedChoice(
    shares.map(([exchange]) => exchange),
    shares.map(([, share]) => share),
  )
}

/** Returns the exchange that lists a tape's symbols and holds their auctions. */
export function primaryExchange(tape: ListingTape): string {
  if (tape === 'A') return 'N'
  return tape === 'B' ? 'P' : 'Q'
}

/** The kinds of sale in the demo market, in the order in which the tapes list their conditions. */
export type Sale =
  | 'regular'
  | 'odd lot'
  | 'sweep'
  | 'odd lot sweep'
  | 'opening'
  | 'reopening'
  | 'out of sequence'

/**
 * The sale conditions as the consolidated tapes write them. A regular sale is a space on tapes A and B (CTA),
 * and `@` on tape C (UTP). I: odd lot, F: intermarket sweep, O: opening print, 5: reopening print, Z: out of
 * sequence.
 */
const codes = {
  regular: [],
  'odd lot': ['I'],
  sweep: ['F'],
  'odd lot sweep': ['F', 'I'],
  opening: ['O'],
  reopening: ['5'],
  'out of sequence': ['Z'],
} as const satisfies Record<Sale, readonly string[]>

export type TradeConditions = Readonly<Record<Sale, readonly string[]>>

/** Creates the conditions of a tape's trades, which all of them share. */
export function createTradeConditions(tape: ListingTape): TradeConditions {
  const regular = tape === 'C' ? '@' : ' '
  const withRegular = (sale: Sale): readonly string[] => [regular, ...codes[sale]]
  return {
    regular: withRegular('regular'),
    'odd lot': withRegular('odd lot'),
    sweep: withRegular('sweep'),
    'odd lot sweep': withRegular('odd lot sweep'),
    opening: withRegular('opening'),
    reopening: withRegular('reopening'),
    'out of sequence': withRegular('out of sequence'),
  }
}

/** Shares in a round lot. */
export const roundLot = 100

/**
 * Draws the size of a trade. The more expensive the share, the more odd lots (about a third at $10, two
 * thirds above $300); otherwise mostly one round lot, then a few, then an odd number above 100.
 */
export function drawTradeSize(random: Random, cents: number): number {
  const oddLots = Math.min(0.3 + cents / 80_000, 0.7)
  const kind = random.unit()
  if (kind < oddLots) return 1 + Math.floor(99 * random.unit() ** 2.5)
  const rest = (kind - oddLots) / (1 - oddLots)
  if (rest < 0.6) return roundLot
  if (rest < 0.85) return roundLot * (2 + Math.floor(8 * random.unit() ** 2))
  return roundLot + 1 + Math.floor(random.exponential() * 220)
}

/** Draws the size of a block traded off the exchanges: some hundred thousand to some million dollars. */
export function drawBlockSize(random: Random, cents: number): number {
  const shares = (random.between(3e7, 4e8) * random.unit()) / cents
  return Math.max(5, Math.ceil(shares / roundLot)) * roundLot
}

/** Draws an auction's size from the symbol's share of the market's activity. */
export function drawAuctionSize(random: Random, activity: number): number {
  return Math.ceil(200 + activity * 4e6 * random.between(0.6, 1.6))
}
