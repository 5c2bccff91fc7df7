import { crc32, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addEvent, type BodyForm, EventFraming } from '../../../src/transport/sse/event-framing.ts'
import { GzipChecksum, gzipHead } from '../../../src/transport/sse/gzip-format.ts'
import { type Payload, textPayload } from '../../../src/wire/payload.ts'

const forms: readonly BodyForm[] = [true, false].flatMap(isChunked =>
  [true, false].map(isCompressed => ({ isChunked, isCompressed })),
)

/** What a client has of some events, after chunks and compression. */
function read(
  form: BodyForm,
  events: readonly { readonly payload: Payload; readonly id?: string }[],
): string {
  const framing = new EventFraming(form)
  const checksum = new GzipChecksum()
  const parts: Buffer[] = form.isCompressed ? [framing.wrap(gzipHead)] : []
  for (const { payload, id } of events) {
    const event = framing.frame(payload, id)
    addEvent(checksum, event)
    // The memory is overwritten by the next event.
    parts.push(Buffer.from(event.bytes))
    framing.settle(true)
  }
  if (form.isCompressed) parts.push(framing.wrap(checksum.end()))
  const whole = Buffer.concat(parts)
  const body = form.isChunked ? unchunk(whole) : whole
  // Checks the checksum and the length at the end.
  return (form.isCompressed ? gunzipSync(body) : body).toString('utf8')
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at)
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16)
    parts.push(bytes.subarray(end + 2, end + 2 + length))
    expect(bytes.toString('latin1', end + 2 + length, end + 4 + length)).toBe('\r\n')
    at = end + 4 + length
  }
  return Buffer.concat(parts)
}

function shared(text: string): Payload {
  const payload = textPayload(text)
  payload.share({ plain: 0, compressed: 0 })
  return payload
}

const event = fc.record({
  text: fc.oneof(
    fc.string({ maxLength: 200, unit: 'grapheme' }),
    fc.nat(140_000).map(length => 'price 126.55 '.repeat(length / 13 + 1).slice(0, length)),
  ),
  isShared: fc.boolean(),
  id: fc.option(fc.constantFrom('1;market.trades:Vx0w:3mv', '1'), { nil: undefined }),
})

test.each(forms)('events come out as they went in, chunked: $isChunked, gzip: $isCompressed', form => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), events => {
      const payloads = events.map(({ text, isShared, id }) => ({
        payload: isShared ? shared(text) : textPayload(text),
        ...(id === undefined ? {} : { id }),
      }))
      const text = events.map(
        each => `${each.id === undefined ? '' : `id: ${each.id}\n`}data: ${each.text}\n\n`,
      )
      expect(read(form, payloads)).toBe(text.join(''))
    }),
    { numRuns: 50 },
  )
})

test('sessions at the same positions share an event, whoever has another id does not', () => {
  const framing = new EventFraming({ isChunked: true, isCompressed: false })
  const payload = textPayload('[{}]')
  const first = framing.frame(payload, '1;a:b:1')
  expect(framing.frame(payload, ['1;a:b', '1'].join(':'))).toBe(first)
  expect(framing.frame(payload, '1;a:b:2')).not.toBe(first)
})

test('an event that a socket has not taken is not overwritten', () => {
  const framing = new EventFraming({ isChunked: false, isCompressed: false })
  const first = framing.frame(textPayload('["first"]'), undefined)
  framing.settle(false)
  framing.settle(true)
  const second = framing.frame(textPayload('["second"]'), undefined)
  framing.settle(true)
  const third = framing.frame(textPayload('["third!"]'), undefined)
  expect(first.bytes.toString()).toBe('data: ["first"]\n\n')
  expect(third.bytes.toString()).toBe('data: ["third!"]\n\n')
  expect(third.bytes.byteOffset).toBe(second.bytes.byteOffset)
})

test('a shared payload is compressed once, within the stream of each client', () => {
  const text = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ T: 't', S: 'AAPL', p: 126 + i })))
  const counts = { plain: 0, compressed: 0 }
  const payload = textPayload(text)
  payload.share(counts)
  for (const isChunked of [true, false]) {
    const framing = new EventFraming({ isChunked, isCompressed: true })
    expect(framing.frame(payload, '1').bytes.length).toBeLessThan(text.length / 4)
  }
  expect(counts.plain).toBe(text.length)
})

test('the end of a stream has the checksum of everything in it', () => {
  const checksum = new GzipChecksum()
  for (const part of ['a', 'bc', Buffer.from('d€')]) checksum.add(part)
  const trailer = checksum.end()
  expect(trailer.readUInt32LE(5)).toBe(crc32('abcd€'))
  expect(trailer.readUInt32LE(9)).toBe(Buffer.byteLength('abcd€'))
})
