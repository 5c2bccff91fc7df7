import type { Bar, CancelError, Correction, Trade } from '../../src/event/event.ts'

interface Fact {
  id: number
  readonly t: string
  cents: bigint
  size: bigint
}

/**
 * Bars computed from the published trades alone, in another way than the demo market's: every trade is kept,
 * in order of its time as text, sums are BigInts.
 */
export class BarOracle {
  /** Per `symbol start`, where the start is a minute's (`2026-03-02T14:30`) or a day's (`2026-03-02`). */
  readonly #spans = new Map<string, Fact[]>()

  add({ S, t, i, p, s }: Trade): void {
    const fact: Fact = { id: Number(i), t, cents: centsOf(p), size: BigInt(s) }
    for (const key of keysOf(S, t)) {
      const facts = this.#spans.get(key) ?? []
      let place = facts.length
      while (place > 0 && facts[place - 1]!.t > t) place--
      facts.splice(place, 0, fact)
      this.#spans.set(key, facts)
    }
  }

  correct({ S, oi, ci, cp, cs }: Correction): void {
    const fact = this.#find(S, Number(oi))
    fact.id = Number(ci)
    fact.cents = centsOf(cp)
    fact.size = BigInt(cs)
  }

  cancel({ S, i }: CancelError): void {
    const fact = this.#find(S, Number(i))
    for (const key of keysOf(S, fact.t)) {
      const facts = this.#spans.get(key)!
      facts.splice(facts.indexOf(fact), 1)
    }
  }

  /** The bar as it should be now; `undefined` where no trade stands. */
  bar(T: Bar['T'], S: string, t: string): Bar | undefined {
    const facts = this.#spans.get(`${S} ${t.slice(0, T === 'd' ? 10 : 16)}`)
    if (facts === undefined || facts.length === 0) return undefined
    const prices = facts.map(({ cents }) => Number(cents))
    const volume = facts.reduce((sum, { size }) => sum + size, 0n)
    const value = facts.reduce((sum, { size, cents }) => sum + size * cents, 0n)
    return {
      T,
      S,
      o: prices[0]! / 100,
      h: prices.reduce((high, cents) => Math.max(high, cents)) / 100,
      l: prices.reduce((low, cents) => Math.min(low, cents)) / 100,
      c: prices.at(-1)! / 100,
      v: Number(volume),
      n: facts.length,
      vw: Number((value * 20_000n + volume) / (2n * volume)) / 1e6,
      t,
    }
  }

  /** Every symbol and minute that had a trade. */
  minutes(): { readonly symbol: string; readonly minute: string }[] {
    return [...this.#spans.keys()].flatMap(key => {
      const [symbol, minute] = key.split(' ') as [string, string]
      return minute.includes('T') ? [{ symbol, minute: `${minute}:00Z` }] : []
    })
  }

  #find(symbol: string, id: number): Fact {
    for (const [key, facts] of this.#spans) {
      if (!key.startsWith(`${symbol} `)) continue
      const fact = facts.find(candidate => candidate.id === id)
      if (fact !== undefined) return fact
    }
    throw new Error(`${symbol} ${id}: no such trade stands`)
  }
}

function keysOf(symbol: string, t: string): [string, string] {
  return [`${symbol} ${t.slice(0, 16)}`, `${symbol} ${t.slice(0, 10)}`]
}

function centsOf(price: number): bigint {
  return BigInt(Math.round(price * 100))
}
