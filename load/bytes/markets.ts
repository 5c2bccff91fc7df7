import { Random } from '../../test/support/random.ts'
import { generateTape, readTape } from '../../test/support/tape.ts'
import { type PlacedEvent, placed } from './batches.ts'
import { ZipfDraw, symbolOf, zipfMarket } from './zipf-market.ts'

/** Events, and which of them a receiver wants. */
export interface Market {
  readonly name: string
  readonly events: readonly PlacedEvent[]
  readonly isWanted: (placed: PlacedEvent) => boolean
  /** The same: the symbols that are wanted. */
  readonly symbols: ReadonlySet<string> | '*'
}

const symbols = 500
const eventsPerSecond = 2000
const watched = 20

/** The real tape (a generated one without news where it is absent), a generated market, and a watch list in it. */
export async function markets(tape: string | undefined, most: number): Promise<Market[]> {
  const first = tape === undefined ? generateTape({ seed: 1, events: most }) : await firstOf(tape, most)
  const zipf = placed(zipfMarket({ seed: 1, symbols, events: most, eventsPerSecond }))
  const list = watchList()
  const everything = (): boolean => true
  return [
    {
      name: tape === undefined ? 'the tests’ generated tape, everything' : 'the real tape, everything',
      events: placed(first.filter(({ T }) => T !== 'n')),
      isWanted: everything,
      symbols: '*',
    },
    { name: `${symbols} symbols, everything`, events: zipf, isWanted: everything, symbols: '*' },
    {
      name: `${symbols} symbols, a watch list of ${watched}`,
      events: zipf,
      isWanted: ({ event }) => event.T !== 'n' && list.has(event.S),
      symbols: list,
    },
  ]
}

async function firstOf(tape: string, most: number) {
  const events = await Array.fromAsync(readTape(tape))
  return events.slice(0, most)
}

/** Symbols are watched as they are traded: by Zipf's law. */
function watchList(): ReadonlySet<string> {
  const draw = new ZipfDraw(new Random(2), symbols)
  const list = new Set<string>()
  while (list.size < watched) list.add(symbolOf(draw.next()))
  return list
}
