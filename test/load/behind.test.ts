import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BehindMarket } from '../../load/bytes/behind.ts'
import { type Market, markets } from '../../load/bytes/markets.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Block } from '../../src/wire/block.ts'
import { TapeDecoder } from '../../src/wire/tape/tape-decoder.ts'
import { sharedTapePath } from '../support/tape.ts'

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

async function behind({ events, symbols }: Market, source: 'memory' | 'log') {
  const { frames } = await new BehindMarket(events, source).read({ form, symbols })
  return { bytes: framedBytes(frames), events: eventsByItem(decoded(frames)) }
}

function framedBytes(frames: readonly Block[]): number {
  return frames.reduce((sum, block) => sum + block.framed().length, 0)
}

/** What a client has of the frames, whose ranges follow one another. */
function decoded(frames: readonly Block[]): MarketEvent[] {
  const decoder = new TapeDecoder()
  const reached = new Map<number, number>()
  return frames.flatMap(block => {
    const frame = decoder.decode(block.payload)
    if (frame.kind !== 'events') return []
    for (const { partition, from, to } of frame.ranges) {
      expect(from).toBe(reached.get(partition) ?? 0)
      reached.set(partition, to)
    }
    return frame.events
  })
}

function eventsByItem(events: readonly MarketEvent[]): object {
  return Object.groupBy(events, event => `${event.T} ${event.T === 'n' ? '' : event.S}`)
}
