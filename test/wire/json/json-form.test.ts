import { expect, test } from 'vitest'
import type { Payload } from '../../../src/wire/payload.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { type EncodedEvents, sendEvents } from '../../../src/wire/wire-form.ts'

const jsonForm = new JsonForm()

/** Events at rising offsets of partition 0, as a run has them. */
function runOf(events: readonly object[], replaced?: readonly number[]): EncodedEvents {
  const texts = events.map(event => `${JSON.stringify(event)},`)
  const ends: number[] = []
  for (const text of texts) ends.push((ends.at(-1) ?? 0) + text.length)
  return {
    bytes: Buffer.from(texts.join('')),
    partitions: new Uint32Array(events.length),
    offsets: Float64Array.from(events.keys()),
    ...(replaced === undefined ? {} : { replaced: Uint32Array.from(replaced) }),
    start: index => ends[index - 1] ?? 0,
    end: index => (ends[index] ?? 0) - 1,
  }
}

function framesOf(events: EncodedEvents, indices: readonly number[]): unknown[][] {
  const frames: unknown[][] = []
  const chosen = { indices: Uint32Array.from(indices), count: indices.length }
  sendEvents(jsonForm, { events, chosen }, (frame: Payload) => {
    frames.push(JSON.parse(frame.bytes.toString('utf8')))
  })
  return frames
}

test('events without coverage are an array of themselves', () => {
  const events = [
    { T: 'q', S: 'A' },
    { T: 'q', S: 'B' },
    { T: 'q', S: 'C' },
  ]
  expect(framesOf(runOf(events), [0, 2])).toEqual([[events[0], events[2]]])
})

test('an event says how many it replaces, and nothing if it replaces none', () => {
  const events = [
    { T: 'q', S: 'A' },
    { T: 'q', S: 'B' },
    { T: 'q', S: 'C' },
  ]
  expect(framesOf(runOf(events, [0, 12, 4_294_967_295]), [0, 1, 2])).toEqual([
    [events[0], { ...events[1], replaces: 12 }, { ...events[2], replaces: 4_294_967_295 }],
  ])
})

test('frames with numbers of replaced events stay within their bound and lose none', () => {
  const events = Array.from({ length: 2000 }, (_, index) => ({ T: 'q', S: `S${index}`, bx: 'V'.repeat(40) }))
  const replaced = events.map((_, index) => index * 7)
  const frames = framesOf(runOf(events, replaced), [...events.keys()])
  expect(frames.length).toBeGreaterThan(1)
  for (const frame of frames) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(65_536)
  expect(frames.flat()).toEqual(
    events.map((event, index) => (index === 0 ? event : { ...event, replaces: index * 7 })),
  )
})

test('a payload says where its coverage is, and what message it is', () => {
  const events = [
    { T: 't', S: 'A' },
    { T: 't', S: 'B' },
  ]
  const chosen = { indices: Uint32Array.of(0, 1), count: 2 }
  const payloads: Payload[] = []
  const coverage = { covered: [0], begins: [0], reached: [7] }
  sendEvents(jsonForm, { events: runOf(events), chosen, coverage }, payload => payloads.push(payload))
  const [{ bytes, coverageBytes, message }] = payloads as [Payload]
  const text = bytes.toString()
  expect(text.slice(-1 - coverageBytes, -1)).toBe('{"T":"coverage","ranges":[[0,0,7]]}')
  expect(message).toBeUndefined()
  const said = { kind: 'resumed', recovered: true } as const
  expect(jsonForm.message(said)).toMatchObject({ coverageBytes: 0, message: said })
})
