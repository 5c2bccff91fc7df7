import { decode, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessagePack } from '../../src/event/message-pack.ts'

/** The library refuses maps with the key `__proto__`. */
const plainValue = fc.jsonValue({ maxDepth: 4 }).filter(value => !JSON.stringify(value).includes('__proto__'))

describe('decodeMessagePack', () => {
  test('reads what the library writes', () => {
    fc.assert(
      fc.property(plainValue, value => {
        expect(decodeMessagePack(Buffer.from(encode(value)))).toEqual(decode(encode(value)))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['a long text', 'x'.repeat(70_000)],
    ['texts of every length of count', ['x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256)]],
    ['a long array', Array.from({ length: 70_000 }, () => null)],
    ['a long map', Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index]))],
    ['bytes', Buffer.alloc(300)],
    ['numbers', [1, -1, 127, 128, -33, 40_000, -40_000, 2 ** 31, -(2 ** 31), 2 ** 40, -(2 ** 40), 1.5]],
  ])('reads %s', (_, value) => {
    expect(decodeMessagePack(Buffer.from(encode(value)))).toEqual(value)
  })

  /**
   * Cause: the library makes each array as long as its header says, before it reads the elements.
   * Symptom: the process ran out of memory (4 GiB) on a record of 100 bytes.
   * Seen: when bodies of POST /v1/events were fuzzed.
   */
  test.each([
    ['arrays', 0xdd],
    ['maps', 0xdf],
  ])('refuses nested %s that announce more than there is', (_, head) => {
    const bomb = Buffer.concat(Array.from({ length: 20 }, () => Buffer.from([head, 0x01, 0xf0, 0, 0])))

    expect(() => decodeMessagePack(bomb)).toThrow('announces more than its 100 bytes hold')
  })

  // Cause: the library puts U+FFFD, or another character, in place of bytes that are not UTF-8.
  // Symptom: texts and symbols were passed on altered, without a word; in JSON such a record is poison.
  // Seen: a producer that wrote Latin-1 (issue 13).
  test.each([
    ['Latin-1', [0xe9]],
    ['half a surrogate pair', [0xed, 0xa0, 0xbd]],
    ['an overlong character', [0xc1, 0x81]],
    ['a character that is cut off', [0x41, 0xe2, 0x82]],
  ])('refuses a text in %s, whatever its length', (_, bytes) => {
    for (const length of [0, 40, 300, 70_000]) {
      const text = Buffer.concat([Buffer.alloc(length, 'x'), Buffer.from(bytes)])
      const marked = Buffer.from(encode({ k: ['y'.repeat(text.length)] }))
      text.copy(marked, marked.length - text.length)
      expect(() => decodeMessagePack(marked)).toThrow('a text that is not UTF-8')
    }
    const asKey = Buffer.concat([
      Buffer.from([0x81, 0xa0 + bytes.length]),
      Buffer.from(bytes),
      Buffer.from([0]),
    ])
    expect(() => decodeMessagePack(asKey)).toThrow(SyntaxError)
  })

  test('refuses nothing for its size that the library would take', () => {
    const refusal = (read: () => unknown): string => {
      try {
        read()
        return ''
      } catch (error) {
        return String(error)
      }
    }
    const limits = { maxArrayLength: 1000, maxMapLength: 1000 }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        const ours = refusal(() => decodeMessagePack(Buffer.from(bytes)))
        fc.pre(ours.includes('MessagePack value'))

        expect(refusal(() => decode(bytes, limits))).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })
})
