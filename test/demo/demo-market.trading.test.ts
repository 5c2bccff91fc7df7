import { describe, expect, test } from 'vitest'
import { createDemoMarket } from '../../src/demo/demo-market.ts'
import type { Luld, MarketEvent, Quote, Status } from '../../src/event/event.ts'
import { isBar, isLate, liveThrough, pricesOf, show, startMs, symbolOf } from './demo-session.ts'

/** Events that break a rule about what was last seen of their symbol. */
function findBreaches(
  events: readonly MarketEvent[],
  isBreach: (event: MarketEvent, last: Last) => boolean,
): string[] {
  const lasts = new Map<string, Last>()
  const found: string[] = []
  for (const event of events) {
    const symbol = symbolOf(event)
    if (symbol === undefined) continue
    const last = lasts.get(symbol) ?? { quote: undefined, status: undefined, luld: undefined }
    lasts.set(symbol, last)
    if (isBreach(event, last)) found.push(show(event))
    if (event.T === 'q') last.quote = event
    if (event.T === 's') {
      last.status = event
      // A reopening's bands come after its print.
      last.luld = undefined
    }
    if (event.T === 'l') last.luld = event
  }
  return found
}

interface Last {
  quote: Quote | undefined
  status: Status | undefined
  luld: Luld | undefined
}

/** Seed 3 halts two stocks on their way down, seed 10 others on their way up. */
describe.each([3, 10])('fifteen minutes of seed %d', seed => {
  const events = liveThrough(seed, 15)

  test('the bid is always below the ask, both with a size of at least a lot', () => {
    const found = findBreaches(
      events,
      event => event.T === 'q' && !(event.bp < event.ap && event.bs >= 1 && event.as >= 1),
    )
    expect(found).toEqual([])
  })

  test('a trade happens at the last quote or between', () => {
    const found = findBreaches(events, (event, { quote }) => {
      if (event.T !== 't' || isLate(event)) return false
      return quote === undefined || event.p < quote.bp || event.p > quote.ap
    })
    expect(found).toEqual([])
  })

  test('a trade on an exchange happens where the quote says', () => {
    const found = findBreaches(events, (event, { quote }) => {
      if (event.T !== 't' || event.x === 'D' || event.c!.some(code => 'ZO5'.includes(code))) return false
      return event.x !== (event.p === quote!.ap ? quote!.ax : quote!.bx)
    })
    expect(found).toEqual([])
  })

  test('no trade and no quote is outside the bands', () => {
    const found = findBreaches(events, (event, { luld }) => {
      const isBound = event.T === 'q' || (event.T === 't' && !isLate(event))
      return isBound && luld !== undefined && pricesOf(event).some(price => price > luld.u || price < luld.d)
    })
    expect(found).toEqual([])
  })

  test('every symbol has a status before it trades, and an opening print', () => {
    const found = findBreaches(
      events,
      (event, { status }) => (event.T === 't' || event.T === 'q') && status?.sc !== 'T',
    )
    expect(found).toEqual([])
    const { symbols } = createDemoMarket({ seed, startMs })
    const opened = events.flatMap(event => (event.T === 't' && event.c!.includes('O') ? [event.S] : []))
    expect(opened.toSorted()).toEqual(symbols.toSorted())
  })

  describe('a halt', () => {
    const halts = events.flatMap(event => (event.T === 's' && event.sc === 'H' ? [event] : []))

    test('comes now and then, for a volatility pause', () => {
      expect(halts.length).toBeGreaterThanOrEqual(2)
      expect(halts.length).toBeLessThan(8)
      expect(halts[0]).toMatchObject({
        sm: 'Trading Halt',
        rc: 'LUDP',
        rm: 'Volatility Trading Pause',
        z: 'C',
      })
    })

    test('stops trades, quotes, bands, corrections and cancels of its symbol', () => {
      const found = findBreaches(
        events,
        (event, { status }) => status?.sc === 'H' && event.T !== 's' && !isBar(event),
      )
      expect(found).toEqual([])
    })

    test('comes after 15 seconds with one side of the quote at the band', () => {
      for (const halt of halts) {
        const before = events.slice(0, events.indexOf(halt)).filter(event => symbolOf(event) === halt.S)
        const luld = before.findLast(event => event.T === 'l')!
        const since = new Date(Date.parse(halt.t) - 14_000).toISOString()
        const quotes = before.flatMap(event => (event.T === 'q' && event.t >= since ? [event] : []))
        const atBand = quotes.filter(event =>
          pricesOf(event).some(price => price === luld.u || price === luld.d),
        )
        expect(quotes.length).toBeGreaterThan(50)
        expect(atBand.length / quotes.length).toBeGreaterThan(0.9)
      }
    })

    test('lasts 30 seconds to two minutes and ends with a reopening print and a rush', () => {
      const [halt] = halts as [Status]
      const after = events.slice(events.indexOf(halt) + 1).filter(event => symbolOf(event) === halt.S)
      const end = after.findIndex(event => event.T === 's')
      const status = after[end] as Status
      const seconds = (Date.parse(status.t) - Date.parse(halt.t)) / 1000
      expect(seconds).toBeGreaterThanOrEqual(30)
      expect(seconds).toBeLessThanOrEqual(120)
      expect(after.slice(end, end + 4).map(({ T }) => T)).toEqual(['s', 'q', 't', 'l'])
      expect(after[end + 2]).toMatchObject({ c: ['@', '5'], x: 'Q' })
      const until = new Date(Date.parse(status.t) + 5000).toISOString()
      const rush = after.slice(end).filter(event => event.T === 'q' && event.t < until)
      expect(rush.length).toBeGreaterThan(200)
    })
  })

  test('prices move together: most of the market follows its broadest fund', () => {
    const minutes = new Map<string, Map<string, number>>()
    for (const event of events) {
      if (event.T === 'b')
        minutes.set(event.S, (minutes.get(event.S) ?? new Map()).set(event.t, event.c / event.o - 1))
    }
    const correlation = (symbol: string): number => {
      const pairs = [...minutes.get('SPY')!].map(
        ([t, spy]) => [spy, minutes.get(symbol)!.get(t) ?? 0] as const,
      )
      const product = pairs.reduce((sum, [one, other]) => sum + one * other, 0)
      const squares = [0, 1].map(side => pairs.reduce((sum, pair) => sum + pair[side]! ** 2, 0))
      return product / Math.sqrt(squares[0]! * squares[1]!)
    }
    expect(correlation('QQQ')).toBeGreaterThan(0.8)
    expect(correlation('AAPL')).toBeGreaterThan(0.2)
    expect(correlation('SQQQ')).toBeLessThan(-0.8)
  })
})
