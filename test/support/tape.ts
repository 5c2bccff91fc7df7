import { createReadStream, existsSync } from 'node:fs'
import { relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { channelOfType, type EventType, type MarketEvent, type News } from '../../src/event/event.ts'
import { EventFault, parseEvent } from '../../src/event/parse-event.ts'
import { Random } from './random.ts'
import { TapeClock } from './tape-clock.ts'
import { TapeSymbol } from './tape-symbol.ts'

export interface TapeOptions {
  readonly seed: number
  /** 300 if left out; the first ones are the busiest. */
  readonly symbols?: number
  readonly events: number
  /** When the tape begins; the opening bell of 2024-02-29 if left out. */
  readonly startMs?: number
}

const everyType = Object.keys(channelOfType)
  // The keys of that table are the types.
  .filter((type): type is EventType => type in channelOfType)
const knownNames = ['AAPL', 'SPY', 'TSLA', 'MSFT', 'BRK.B', 'BTC/USD', 'AMZN', 'A', 'ETH/USD', 'BF-A']

/**
 * Makes up market events of all ten types: three quotes for each trade, and one of every type in each
 * hundred. The same options give the same events.
 */
export function generateTape({
  seed,
  symbols = 300,
  events,
  startMs = 1_709_217_000_000,
}: TapeOptions): MarketEvent[] {
  const random = new Random(seed)
  const clock = new TapeClock(random, startMs)
  const listed = Array.from({ length: symbols }, (_, index) => new TapeSymbol(nameOf(index), random, clock))
  return Array.from({ length: events }, (_, index) => {
    const type = everyType[index % 100] ?? (random.chance(0.75) ? 'q' : 't')
    return type === 'n' ? news(listed, random, clock) : busy(listed, random).event(type)
  })
}

/** Symbols of the lower numbers come up more often: the first of 300 in a ninth of the events. */
function busy(listed: readonly TapeSymbol[], random: Random): TapeSymbol {
  return listed[Math.floor(listed.length * random.next() ** 2.6)]!
}

function nameOf(index: number): string {
  const known = knownNames[index]
  if (known !== undefined) return known
  const letters = index.toString(26).padStart(3, '0')
  return Array.from(letters, letter => String.fromCharCode(65 + Number.parseInt(letter, 26))).join('')
}

function news(listed: readonly TapeSymbol[], random: Random, clock: TapeClock): News {
  const symbols = Array.from({ length: random.pick([0, 1, 1, 1, 3]) }, () => busy(listed, random).name)
  const number = random.whole(2 ** 32, 2 ** 36)
  return {
    T: 'n',
    id: random.chance(0.9) ? number : `wire-${number}`,
    headline: `${symbols[0] ?? 'Märkte'} ${random.pick(['rises', 'falls', 'steigt – „deutlich“', '上昇 🚀'])}`,
    ...random.maybe(0.8, { summary: 'One sentence that says it all.' }),
    ...random.maybe(0.8, { author: random.pick(['Charles Gross', 'Zoë Ångström']) }),
    created_at: clock.next(),
    ...random.maybe(0.7, { updated_at: clock.next() }),
    ...random.maybe(0.8, { url: `https://news.example/${number}` }),
    ...random.maybe(0.5, { content: '<p>Long text.</p>'.repeat(random.whole(1, 120)) }),
    symbols: [...new Set(symbols)],
    ...random.maybe(0.9, { source: 'benzinga' }),
  }
}

/**
 * The events of a file of one JSON object a line, gzipped if its name ends in `.gz`. Throws on what is none.
 */
export async function* readTape(path: string): AsyncGenerator<MarketEvent, void, undefined> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.on('error', error => input.destroy(error))
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1
    const event = parseEvent(JSON.parse(line))
    if (event instanceof EventFault) throw new Error(`${path}:${number}: ${event.message}`)
    yield event
  }
}

/** The path of the real tape beside this checkout, from the working directory; undefined if there is none. */
export function sharedTapePath(): string | undefined {
  const path = fileURLToPath(new URL('../../../shared/data/tape-2013-10-08-close.jsonl.gz', import.meta.url))
  return existsSync(path) ? relative(process.cwd(), path) : undefined
}
