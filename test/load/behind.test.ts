import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { placed } from '../../load/scenarios/bytes/batches.ts'
import { BehindMarket, windowBytes } from '../../load/scenarios/bytes/behind.ts'
import { type Market, markets } from '../../load/scenarios/bytes/markets.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Payload } from '../../src/wire/payload.ts'
import { TapeDecoder } from '../../src/wire/tape/decoding/tape-decoder.ts'
import { Random } from '../support/random.ts'
import { generateTape, sharedTapePath } from '../support/tape.ts'

const form = 'ticker.v1.tape'

// Cause: the tape form wrote what was read later than it came as JSON records.
// Symptom: 121 bytes an event for a session that resumed, 4 for one that was live.
// Seen: by counting the bytes of a resume on the real tape.
describe.each(['memory', 'log'] as const)('a session that resumes, from %s', source => {
  test('gets the real tape in at most 8 bytes an event, equal in every field', async () => {
    const tape = sharedTapePath()
    const [real] = await markets(tape, 40_000)
    const { bytes, events } = await behind(real!, source)
    expect(isDeepStrictEqual(events, eventsByItem(real!.events.map(({ event }) => event)))).toBe(true)
    expect(bytes / real!.events.length).toBeLessThan(tape === undefined ? 40 : 8)
  })

  test('gets a watch list of many symbols in at most a ninth of the bytes of JSON', async () => {
    const [, , list] = await markets(undefined, 30_000)
    const { bytes, events } = await behind(list!, source)
    const wanted = list!.events.filter(list!.isWanted).map(({ event }) => event)
    expect(isDeepStrictEqual(events, eventsByItem(wanted))).toBe(true)
    expect(bytes / wanted.length).toBeLessThan(130 / 9)
  })
})

test('sessions that resume from different places with different lists share what is encoded', async () => {
  const random = new Random(7)
  const events = placed(generateTape({ seed: 5, symbols: 12, events: 24_000 }).filter(({ T }) => T !== 'n'))
  const names = [...new Set(events.map(({ event }) => symbolOf(event)))]
  // Of eight partitions, so that segments are dropped and used again.
  const market = new BehindMarket(1_500_000)
  let taken = 0
  while (taken < events.length) {
    market.take(events.slice(taken, (taken += random.whole(1, 800))))
    const symbols = new Set(names.filter(() => random.chance(0.4)))
    const share = random.next()
    const begin = (length: number): number => Math.floor(length * share)
    const { frames } = await market.read({ form, symbols, begin })
    const known = events.slice(0, taken)
    const lengths = Object.groupBy(known, ({ partition }) => partition)
    const wanted = known.filter(
      ({ event, partition, offset }) =>
        symbols.has(symbolOf(event)) && offset >= begin(lengths[partition]?.length ?? 0),
    )
    const expected = eventsByItem(wanted.map(({ event }) => event))
    expect(isDeepStrictEqual(eventsByItem(decoded(frames)), expected)).toBe(true)
  }
})

async function behind({ events, symbols }: Market, source: 'memory' | 'log') {
  const { frames } = await new BehindMarket(windowBytes[source]).take(events).read({ form, symbols })
  return { bytes: framedBytes(frames), events: eventsByItem(decoded(frames)) }
}

function framedBytes(frames: readonly Payload[]): number {
  return frames.reduce((sum, block) => sum + block.length, 0)
}

/** What a client has of the frames, whose ranges follow one another. */
function decoded(frames: readonly Payload[]): MarketEvent[] {
  const decoder = new TapeDecoder()
  const reached = new Map<number, number>()
  return frames.flatMap(block => {
    const frame = decoder.decode(block.bytes)
    if (frame.kind !== 'events') return []
    for (const { partition, from, to } of frame.ranges) {
      expect(from).toBe(reached.get(partition) ?? from)
      reached.set(partition, to)
    }
    return frame.events
  })
}

function eventsByItem(events: readonly MarketEvent[]): object {
  return Object.groupBy(events, event => `${event.T} ${symbolOf(event)}`)
}

function symbolOf(event: MarketEvent): string {
  return event.T === 'n' ? '' : event.S
}
