import { constants, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { PayloadMemory } from '../../src/wire/payload-memory.ts'
import {
  binaryPayload,
  flushTailBytes,
  type Framing,
  headerRoom,
  Payload,
  textPayload,
} from '../../src/wire/payload.ts'

/** Writes a header into the room, and counts how often. */
class CountingFraming implements Framing {
  count = 0
  readonly #header: string

  constructor(header: string) {
    this.#header = header
  }

  frame({ buffer, start, end }: Payload): Buffer {
    this.count++
    buffer.write(this.#header, start - this.#header.length)
    return buffer.subarray(start - this.#header.length, end)
  }
}

const longText = 'news of the market '.repeat(100)

test('has room for a header in front, also in memory that others share', () => {
  const memory = new PayloadMemory()
  const payloads = ['one', 'two'].map(text => {
    const payload = new Payload('text', text.length, memory)
    payload.buffer.write(text, payload.start)
    return payload
  })
  const framing = new CountingFraming('h'.repeat(headerRoom))
  expect(payloads.map(payload => payload.framed(framing).toString())).toEqual([
    'hhhhhhhhhhone',
    'hhhhhhhhhhtwo',
  ])
  expect(payloads.map(({ bytes }) => bytes.toString())).toEqual(['one', 'two'])
})

test('is framed once for all receivers of a transport, and otherwise for another', () => {
  const payload = textPayload('text')
  const framing = new CountingFraming('a')
  const copying: Framing = { frame: ({ bytes }) => Buffer.concat([Buffer.from('copy of '), bytes]) }
  const frame = payload.framed(framing)
  for (let receiver = 0; receiver < 3; receiver++) expect(payload.framed(framing)).toBe(frame)
  expect(framing.count).toBe(1)
  expect(frame.toString()).toBe('atext')
  expect(payload.framed(copying).toString()).toBe('copy of text')
})

test('is compressed once for those that share it, and counted where it is shared', () => {
  const counts = { plain: 0, compressed: 0 }
  const payload = textPayload(longText)
  payload.share(counts)
  const deflated = payload.deflated()!
  expect(payload.deflated()).toBe(deflated)
  expect(inflateRawSync(deflated.bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString()).toBe(longText)
  // The empty block of the flush: a gzip stream goes on after it.
  expect([...deflated.bytes.subarray(-flushTailBytes)]).toEqual([0, 0, 0xff, 0xff])
  expect(counts).toEqual({ plain: longText.length, compressed: deflated.length - flushTailBytes })
})

test.each([
  ['nobody shares', () => textPayload(longText), false],
  ['is short', () => textPayload('news'), true],
  ['is binary', () => binaryPayload(Buffer.from(longText)), true],
])('is not compressed where it %s', (_title, create, isShared) => {
  const counts = { plain: 0, compressed: 0 }
  const payload = create()
  if (isShared) payload.share(counts)
  expect(payload.deflated()).toBeUndefined()
  expect(counts).toEqual({ plain: 0, compressed: 0 })
})
