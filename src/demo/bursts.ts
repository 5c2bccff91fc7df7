import type { Floor } from './floor.ts'

/** How fast a burst carries the whole market, as a fraction a second. */
const leastDrift = 0.0003
const mostDrift = 0.0012

/** Now and then, about once a minute, all trade at once for a second or two and the market as a whole moves. */
export function scheduleBursts(floor: Floor): void {
  const { agenda, random, activity, market } = floor
  const begin = (ns: number): void => {
    const endNs = ns + random.between(1.2e9, 2.3e9)
    activity.burst(endNs)
    const direction = market.value > 0 !== random.chance(0.4) ? -1 : 1
    market.drift(direction * random.between(leastDrift, mostDrift))
    agenda.at(endNs, end)
  }
  const end = (ns: number): void => {
    market.drift(0)
    agenda.at(ns + random.between(25e9, 40e9) + random.exponential() * 25e9, begin)
  }
  agenda.at(random.between(20e9, 40e9), begin)
}
