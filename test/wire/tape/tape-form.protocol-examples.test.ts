import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder, type TapeFrame } from '../../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import { TapeError } from '../../../src/wire/tape/decoding/tape-reader.ts'
import { writeCovers } from '../../../src/wire/tape/encoding/tape-frame.ts'
import type { TapeRange } from '../../../src/wire/tape/decoding/tape-partitions.ts'
import { writeReset, FrameMaker, partOf } from './tape-fixture.ts'

interface Exchange {
  readonly frame: Uint8Array
  readonly expected: string
}

const protocol = readFileSync(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8')
const examples = [...protocol.matchAll(/```tape ([^\n]+)\n(.*?)```/gs)].map(([, name = '', text = '']) => ({
  name,
  exchanges: exchangesOf(text),
}))

describe('the examples of PROTOCOL.md §10', () => {
  test('are there', () => {
    expect(examples.map(({ name }) => name)).toEqual([
      'change',
      'absolute',
      'behind',
      'reset',
      'unknown item',
      'gap',
      'beyond the end',
      'absent field',
      'lengths of nothing',
      'two ranges',
      'replaced without an event',
      'nine bytes',
    ])
  })

  test.each(examples)('are read as they say: "$name"', ({ exchanges }) => {
    const decoder = new TapeDecoder()
    for (const { frame, expected } of exchanges) {
      if (expected === 'error') expect(() => decoder.decode(frame)).toThrow(TapeError)
      else expect(seen(decoder.decode(frame))).toEqual(JSON.parse(expected))
    }
  })

  test('are written as they say: a base and changes', () => {
    const [, first, second] = framesOf('change')
    const events = [first, second].flatMap(eventsOf)
    const encoder = new TapeEncoder()
    const [change] = events
    const base: MarketEvent = {
      ...(change as MarketEvent & { T: 'q' }),
      as: 400,
      t: '2021-02-22T15:51:45.335Z',
    }
    encoder.encode(base, { item: 7, partition: 2 }, new TapeWriter())
    const opening = new TapeWriter()
    writeReset(opening)
    encoder.base(7, opening)
    const frames = new FrameMaker([4711, 0, 1000])
    // The example leaves out a partition, and forgets the items first.
    expect(hex(frames.opening(opening)).endsWith(hex(opening.written).slice(2))).toBe(true)
    expect(hexOf('change', 0).endsWith(hex(opening.written).slice(2))).toBe(true)
    const written = events.map(event =>
      hex(frames.frame([partOf(encoder, event, { item: 7, partition: 2 })])),
    )
    expect(written).toEqual([hexOf('change', 1), hexOf('change', 2)])
  })

  test('are written as they say: an absolute record, decimals, lengths and news', () => {
    const encoder = new TapeEncoder()
    const frames = new FrameMaker([4711, 20, 1000])
    const [, first, second, third] = framesOf('absolute')
    const place = { item: 300, partition: 0 }
    expect(hex(frames.opening())).toBe(hexOf('absolute', 0))
    const parts = eventsOf(first).map(event => partOf(encoder, event, place))
    expect(hex(frames.frame(parts))).toBe(hexOf('absolute', 1))
    const beyond = new Map([
      [0, 5],
      [2, 38],
    ])
    const replacing = eventsOf(second).map(event => partOf(encoder, event, { ...place, replaces: 2 }))
    expect(hex(frames.frame(replacing, beyond))).toBe(hexOf('absolute', 2))
    const news = eventsOf(third).map(event => partOf(encoder, event, { item: 301, partition: 1 }))
    expect(hex(frames.frame(news))).toBe(hexOf('absolute', 3))
  })

  test('are written as stated: catch-up reads in chains of their own, then a base and a change', () => {
    const exchanges = framesOf('behind')
    const [quotes = [], trades = [], , lastOnes = []] = exchanges.map(eventsOf)
    const [first, second, live] = [new TapeEncoder(), new TapeEncoder(), new TapeEncoder()]
    const written = [
      behindFrame(first, quotes, { partition: 2, from: 1000, to: 1040 }),
      behindFrame(second, trades, { partition: 0, from: 4711, to: 4714 }),
    ]
    for (const quote of quotes) partOf(live, quote, { item: 7, partition: 2 })
    const base = new TapeWriter()
    base.byte(0x80)
    writeCovers({ partition: 2, from: 1040, to: 1040 }, base)
    live.base(7, base)
    const frames = new FrameMaker([0, 0, 1040])
    const change = frames.frame([partOf(live, lastOnes[0]!, { item: 7, partition: 2 })])
    expect([...written, base.written, change].map(hex)).toEqual(exchanges.map(({ frame }) => hex(frame)))
  })
})

function behindFrame(encoder: TapeEncoder, events: readonly MarketEvent[], range: TapeRange): Uint8Array {
  const out = new TapeWriter()
  out.byte(0x80)
  for (const event of events) encoder.encode(event, { item: 0, partition: range.partition }, out)
  writeCovers(range, out)
  return out.written
}

function exchangesOf(text: string): Exchange[] {
  const exchanges: Exchange[] = []
  let bytes: number[] = []
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('= ')) {
      exchanges.push({ frame: Uint8Array.from(bytes), expected: line.slice(2) })
      bytes = []
    } else {
      const [digits = ''] = /^[0-9a-f]{2}(?: [0-9a-f]{2})*(?=\s{2}|$)/.exec(line) ?? []
      if (digits === '') throw new Error(`${line}: expected bytes in hexadecimal`)
      bytes.push(...digits.split(' ').map(byte => Number.parseInt(byte, 16)))
    }
  }
  return exchanges
}

function framesOf(name: string): readonly Exchange[] {
  return examples.find(example => example.name === name)?.exchanges ?? []
}

function hexOf(name: string, index: number): string {
  return hex(framesOf(name)[index]?.frame ?? new Uint8Array())
}

function eventsOf(exchange: Exchange | undefined): readonly MarketEvent[] {
  return (JSON.parse(exchange?.expected ?? '') as { events: MarketEvent[] }).events
}

function seen(frame: TapeFrame): unknown {
  if (frame.kind === 'messages') return frame.messages
  const { events, replaced, ranges } = frame
  return {
    events,
    ...(replaced.size > 0 ? { replaced: [...replaced] } : {}),
    ranges: ranges.map(({ partition, from, to }) => [partition, from, to]),
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(' ')
}
