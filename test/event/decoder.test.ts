import { encode, ExtData, ExtensionCodec } from '@msgpack/msgpack'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultDecoder } from '../../src/event/decoder.ts'
import type { LogRecord } from '../../src/event/log-record.ts'

const json = (value: string | Buffer | null): LogRecord => ({
  offset: 0,
  timestampMs: 0,
  key: null,
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: [],
})

const messagePack = (value: Uint8Array, type = 'application/msgpack'): LogRecord => ({
  ...json(Buffer.from(value)),
  headers: [{ name: 'Content-Type', value: Buffer.from(type) }],
})

test('reads JSON', () => {
  expect(defaultDecoder.decode(json('{"T":"t","S":"ÄÖ"}'))).toEqual({ T: 't', S: 'ÄÖ' })
})

test('skips a record without a value, which is a tombstone', () => {
  expect(defaultDecoder.decode(json(null))).toBeUndefined()
})

test('refuses bytes that are not UTF-8 instead of replacing them', () => {
  expect(() => defaultDecoder.decode(json(Buffer.from([0x22, 0xff, 0x22])))).toThrow('not UTF-8')
})

test('reads MessagePack where the header says so, whatever its letters and parameters', () => {
  const record = messagePack(encode({ T: 't', i: 52983525033527 }), 'Application/MsgPack; v=1')
  expect(defaultDecoder.decode(record)).toEqual({ T: 't', i: 52983525033527 })
})

test.each([
  [new Uint8Array([0, 0, 0, 1]), '1970-01-01T00:00:01Z'],
  [timestamp64(1614009104n, 208000001n), '2021-02-22T15:51:44.208000001Z'],
  [timestamp96(1614009104n, 500000000), '2021-02-22T15:51:44.5Z'],
])('turns a MessagePack timestamp into RFC 3339', (data, time) => {
  const codec = new ExtensionCodec()
  const record = messagePack(encode({ t: new ExtData(-1, data) }, { extensionCodec: codec }))
  expect(defaultDecoder.decode(record)).toEqual({ t: time })
})

test('an integer that JSON numbers cannot hold arrives as one that the checks refuse', () => {
  const value = defaultDecoder.decode(json('{"i":9007199254740993}'))
  expect(Number.isSafeInteger((value as { i: number }).i)).toBe(false)
})

test('whatever the bytes, it returns or throws, at once', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isMessagePack) => {
      const record = isMessagePack ? messagePack(bytes) : json(Buffer.from(bytes))
      try {
        defaultDecoder.decode(record)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
    { numRuns: 5000 },
  )
})

function timestamp64(seconds: bigint, nanoseconds: bigint): Uint8Array {
  const data = Buffer.alloc(8)
  data.writeBigUInt64BE((nanoseconds << 34n) | seconds)
  return new Uint8Array(data)
}

function timestamp96(seconds: bigint, nanoseconds: number): Uint8Array {
  const data = Buffer.alloc(12)
  data.writeUInt32BE(nanoseconds)
  data.writeBigInt64BE(seconds, 4)
  return new Uint8Array(data)
}
