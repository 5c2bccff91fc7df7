import type { Tape } from './instruments.ts'
import { WeightedChoice } from './weighted-choice.ts'

/** FINRA's trade reporting facilities: everything that traded off the exchanges. It prints trades and never quotes. */
export const offExchange = 'D'

/** How a listing's quotes are spread over the exchanges, per tape; the codes are those of the consolidated tapes. */
const quoteShares = {
  A: { N: 26, P: 14, Q: 15, Z: 12, K: 9, U: 8, V: 6, J: 3, Y: 3, B: 2, X: 1, C: 1, M: 1, H: 2, A: 1, L: 0.3 },
  B: { P: 27, Z: 17, Q: 14, K: 10, N: 8, U: 8, V: 6, J: 4, Y: 3, B: 2, X: 1, H: 2, C: 1, A: 1, L: 0.2 },
  C: { Q: 33, P: 14, Z: 13, K: 10, U: 9, V: 7, N: 4, J: 3, Y: 3, B: 2, X: 1, H: 2, C: 1, A: 1, L: 0.3 },
} as const satisfies Record<Tape, Readonly<Record<string, number>>>

/** Draws the exchanges that set the best bid and offer of one tape's listings. */
export function createQuoteExchanges(tape: Tape): WeightedChoice<string> {
  const shares = Object.entries(quoteShares[tape])
  return new WeightedChoice(
    shares.map(([exchange]) => exchange),
    shares.map(([, share]) => share),
  )
}

/** The exchange that lists a tape's symbols and holds their auctions. */
export function primaryExchange(tape: Tape): string {
  if (tape === 'A') return 'N'
  return tape === 'B' ? 'P' : 'Q'
}
