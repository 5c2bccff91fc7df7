import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Quote, Trade } from '../../../src/event/event.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder, type TapeLimits } from '../../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import { TapeError } from '../../../src/wire/tape/decoding/tape-reader.ts'
import { generateTape, readTape, sharedTapePath } from '../../support/tape.ts'
import { FrameMaker, ItemNumbers, partOf, seen } from './tape-fixture.ts'

const quote: Quote = {
  T: 'q',
  S: 'AMD',
  bp: 87.66,
  bs: 100,
  ap: 87.68,
  as: 400,
  t: '2021-02-22T15:51:45.335Z',
}
const trade: Trade = { T: 't', S: 'AAPL', i: 41, p: 126.55, s: 1, t: '2021-02-22T15:51:44.208Z' }
const place = { item: 0, partition: 0 }
const jsonRecord = 3

describe('TapeEncoder', () => {
  test('writes an event that repeats the last one in two bytes, and a trade with the next id as well', () => {
    const encoder = new TapeEncoder()
    partOf(encoder, quote, place)
    partOf(encoder, trade, { item: 1, partition: 0 })
    expect(partOf(encoder, { ...quote }, place).bytes).toHaveLength(2)
    expect(partOf(encoder, { ...trade, i: 42 }, { item: 1, partition: 0 }).bytes).toHaveLength(2)
  })

  test('goes back to fewer decimals when those of one price have not been needed for a while', () => {
    const encoder = new TapeEncoder()
    const prices = [
      126.55,
      126.55555555,
      ...Array.from({ length: 40 }, (_, index) => 126 + (index % 50) / 100),
    ]
    const sizes = prices.map(p => partOf(encoder, { ...trade, p }, place).bytes.length)
    expect([sizes.at(5), sizes.at(-1)]).toEqual([6, 4])
  })

  test('is not stuck with decimals that a common price is too large for', () => {
    const encoder = new TapeEncoder()
    partOf(encoder, { ...trade, p: 1e-15 }, place)
    expect(partOf(encoder, trade, place).bytes[0]).not.toBe(jsonRecord)
  })

  test.each([
    ['a price that no decimals say', { ...quote, bp: 0.1 + 0.2 }],
    ['a time with an offset', { ...quote, t: '2021-02-22T21:21:45.335+05:30' }],
    ['a time before 1970', { ...quote, t: '1969-12-31T23:59:59Z' }],
    ['half a character', { ...quote, bx: '\ud83d' }],
  ])('says in JSON what a change cannot: %s; the chain goes on as before', (_, event) => {
    const encoder = new TapeEncoder()
    partOf(encoder, quote, place)
    expect(partOf(encoder, event, place).bytes[0]).toBe(jsonRecord)
    expect(partOf(encoder, quote, place).bytes).toHaveLength(2)
  })

  test('passes on the JSON that is at hand', () => {
    const json = new TextEncoder().encode('{"T":"n"}')
    const news = { T: 'n', id: 1, headline: '', created_at: quote.t, symbols: [] } as const
    const { bytes } = partOf(new TapeEncoder(), news, { ...place, json })
    expect(bytes).toEqual(Uint8Array.of(jsonRecord, 0, json.length, ...json))
  })

  test('begins an item anew when it is in another partition, and when it was forgotten', () => {
    const encoder = new TapeEncoder()
    const first = partOf(encoder, quote, place).bytes
    expect(partOf(encoder, quote, { item: 0, partition: 1 }).bytes).toHaveLength(first.length)
    encoder.forget(0)
    expect(encoder.size).toBe(0)
    expect(encoder.base(0, new TapeWriter())).toBe(false)
    expect(partOf(encoder, quote, place).bytes).toEqual(first)
  })
})

describe('TapeDecoder', () => {
  test('returns nothing through which a caller could alter its state', () => {
    const { decoder, frames, encoder } = connected()
    const [first] = eventsOf(decoder, frames.frame([partOf(encoder, { ...quote, c: ['R'] }, place)]))
    Object.assign(first ?? {}, { bp: 1 })
    expect(() => Object.assign((first as Quote).c ?? {}, ['X'])).toThrow(TypeError)
    const again = eventsOf(decoder, frames.frame([partOf(encoder, { ...quote, c: ['R'] }, place)]))
    expect(again).toEqual([{ ...quote, c: ['R'] }])
  })

  test('refuses everything after its first error', () => {
    const { decoder, frames } = connected()
    expect(() => decoder.decode(Uint8Array.of(0xff, 0x0f))).toThrow(TapeError)
    expect(() => decoder.decode(frames.frame([]))).toThrow(TapeError)
  })

  test.each([
    ['bytes of a frame', { frameBytes: 99 }],
    ['events in a frame', { frameEvents: 3 }],
    ['items', { items: 3 }],
    ['partitions', { partitions: 3 }],
  ])('takes no more %s than it may', (_, limits: TapeLimits) => {
    const { decoder, frames, encoder } = connected(limits)
    const parts = Array.from({ length: 4 }, (__, item) => partOf(encoder, quote, { item, partition: item }))
    expect(() => decoder.decode(frames.frame(parts))).toThrow(TapeError)
    const roomy = connected()
    expect(roomy.decoder.decode(roomy.frames.frame(parts))).toMatchObject({ kind: 'events' })
  })

  test('refuses a frame that does not go on where the last one ended', () => {
    const { decoder, frames, encoder } = connected()
    frames.frame([partOf(encoder, quote, place)])
    encoder.clear()
    expect(() => decoder.decode(frames.frame([partOf(encoder, quote, place)]))).toThrow(/begin elsewhere/)
  })
})

test('the codec uses nothing of Node, so that browsers can run it', () => {
  const folder = new URL('../../../src/wire/tape/', import.meta.url)
  const codec = ['decoding/tape-decoder.ts', 'encoding/tape-encoder.ts'].map(
    path => new URL(path, folder).href,
  )
  const files = new Set(codec)
  for (const file of files) {
    // Types are not there when it runs.
    for (const [, path] of textOf(file).matchAll(/^import (?!type )[^']* from '(\..*?)'/gm))
      files.add(new URL(path!, file).href)
  }
  expect(files.size).toBeGreaterThan(10)
  expect([...files].filter(file => /from 'node:|\bBuffer\b|\bprocess\.\w/.test(textOf(file)))).toEqual([])
})

function textOf(file: string): string {
  return readFileSync(new URL(file), 'utf8')
}

describe('a market', () => {
  test('that is generated is decoded equal in every field', () => {
    const { decoder, frames, encoder } = connected()
    const numbers = new ItemNumbers()
    for (const event of generateTape({ seed: 3, symbols: 40, events: 20_000 })) {
      const item = numbers.of(event)
      const part = partOf(encoder, event, { item, partition: item % 4 })
      expect(eventsOf(decoder, frames.frame([part]))).toEqual([seen(event)])
    }
  })

  test('that was real takes less than 3.6 bytes an event, and is decoded equal in every field', async () => {
    const path = sharedTapePath()
    const real =
      path === undefined ? generateTape({ seed: 1, events: 1000 }) : await Array.fromAsync(readTape(path))
    const { decoder, frames, encoder } = connected()
    const numbers = new ItemNumbers()
    let bytes = 0
    for (const event of real) {
      const part = partOf(encoder, event, { item: numbers.of(event), partition: 0 })
      bytes += part.bytes.length
      expect(eventsOf(decoder, frames.frame([part]))).toEqual([event])
    }
    expect(bytes / real.length).toBeLessThan(path === undefined ? 60 : 3.6)
  })
})

function connected(limits: TapeLimits = {}) {
  const decoder = new TapeDecoder({ partitions: 4, ...limits })
  const frames = new FrameMaker([10, 20, 30, 40].slice(0, limits.partitions ?? 4))
  decoder.decode(frames.opening())
  return { decoder, frames, encoder: new TapeEncoder() }
}

function eventsOf(decoder: TapeDecoder, frame: Uint8Array) {
  const read = decoder.decode(frame)
  return read.kind === 'events' ? read.events : []
}
