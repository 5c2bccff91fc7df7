import type { Random } from './random.ts'

/** Shares in a round lot. */
export const roundLot = 100

/**
 * Draws the size of a trade: the dearer the share, the more odd lots (about a third at $10, two thirds above $300);
 * otherwise mostly one round lot, then a few, then an odd number above 100.
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

/** Draws the size of a block crossed off the exchanges: some hundred thousand to some million dollars. */
export function drawBlockSize(random: Random, cents: number): number {
  const shares = (random.between(3e7, 4e8) * random.unit()) / cents
  return Math.max(5, Math.ceil(shares / roundLot)) * roundLot
}

/** Draws an auction's size from the symbol's share of the market's activity. */
export function drawAuctionSize(random: Random, activity: number): number {
  return Math.ceil(200 + activity * 4e6 * random.between(0.6, 1.6))
}
