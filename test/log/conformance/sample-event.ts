import type { News, Trade } from '../../../src/event/event.ts'

let lastNumber = 0

/** A symbol that no other test of this process uses. */
export function newSymbol(): string {
  lastNumber += 1
  return `TEST${lastNumber}`
}

/** The `number`th trade of a symbol. No other trade has its id. */
export function sampleTrade(symbol: string, number: number): Trade {
  return {
    T: 't',
    S: symbol,
    i: 2 ** 40 + number,
    x: 'V',
    p: 100 + (number % 100) / 100,
    s: 1 + (number % 500),
    c: ['@'],
    t: `2024-02-29T14:30:00.${String(number % 1_000_000_000).padStart(9, '0')}Z`,
    z: 'C',
  }
}

/** The first `count` trades of a symbol. */
export function sampleTrades(symbol: string, count: number): Trade[] {
  return Array.from({ length: count }, (_, number) => sampleTrade(symbol, number))
}

/** A news article. */
export function sampleNews(id: News['id'], content: string): News {
  return {
    T: 'n',
    id,
    headline: 'Ein Blick auf 東京 🚀 \u0000 \u2028 \ud800',
    created_at: '2024-02-29T14:30:00Z',
    updated_at: '2024-02-29T14:30:00.120Z',
    content,
    symbols: ['AAPL', 'BRK.B'],
  }
}
