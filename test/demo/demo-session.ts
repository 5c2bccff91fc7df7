import type { Bar, MarketEvent, Trade } from '../../src/event/event.ts'
import { createDemoMarket } from '../../src/demo/demo-market.ts'

/** A quarter of a second into a minute, so that nothing is aligned by luck. */
export const startMs = Date.parse('2026-03-02T14:29:40.250Z')

/** The events of a demo market's first minutes. */
export function liveThrough(seed: number, minutes: number): readonly MarketEvent[] {
  return createDemoMarket({ seed, startMs }).advance(startMs + minutes * 60_000)
}

export function isLate(trade: Trade): boolean {
  return trade.c?.includes('Z') ?? false
}

/** The symbol of an event; none for news. */
export function symbolOf(event: MarketEvent): string | undefined {
  return event.T === 'n' ? undefined : event.S
}

/** What an event is found by in a failure's message. */
export function show(event: MarketEvent): string {
  return JSON.stringify(event)
}

export function isBar(event: MarketEvent): event is Bar {
  return event.T === 'b' || event.T === 'u' || event.T === 'd'
}

/** The prices that an event names, without the averages. */
export function pricesOf(event: MarketEvent): readonly number[] {
  switch (event.T) {
    case 't':
    case 'x':
      return [event.p]
    case 'q':
      return [event.bp, event.ap]
    case 'b':
    case 'u':
    case 'd':
      return [event.o, event.h, event.l, event.c]
    case 'l':
      return [event.u, event.d]
    case 'c':
      return [event.op, event.cp]
    case 's':
    case 'n':
      break
  }
  return []
}
