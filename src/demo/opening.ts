import type { Floor } from './floor.ts'
import { statusEvent } from './statuses.ts'
import { sweep } from './sweep.ts'

/** The statuses go out within some ten milliseconds, the auctions within the first seconds. */
const statusStepNs = 30_000
const auctionsFromNs = 15e6
const auctionStepNs = 7.3e6

/** Opens the session: every stock's status, then its auction, the most active first, and its bands. */
export function scheduleOpening(floor: Floor): void {
  const { agenda, stocks, timestamps, emit } = floor
  sweep({
    agenda,
    stocks,
    fromNs: 0,
    stepNs: statusStepNs,
    visit: (stock, ns) => emit(statusEvent('opening', stock, timestamps.text(ns))),
  })
  sweep({
    agenda,
    stocks,
    fromNs: auctionsFromNs,
    stepNs: auctionStepNs,
    visit: (stock, ns) => {
      for (const event of stock.auction('opening', ns)) emit(event)
      emit(stock.bands.luld('A', timestamps.text(ns)))
    },
  })
}
