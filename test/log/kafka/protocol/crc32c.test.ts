import { expect, test } from 'vitest'
import { crc32c } from '../../../../src/log/kafka/protocol/crc32c.ts'

test('gives the check values of RFC 3720, appendix B.4', () => {
  expect(crc32c(Buffer.from('123456789'), 0)).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32), 0)).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff), 0)).toBe(0x62a8ab43)
  expect(crc32c(Buffer.alloc(0), 0)).toBe(0)
})

test('does not depend on where the bytes lie in memory', () => {
  const text = Buffer.from('a text whose length is no multiple of eight, so there is a rest')
  const expected = crc32c(text, 0)
  for (let shift = 0; shift < 9; shift += 1) {
    const memory = Buffer.alloc(text.length + shift)
    text.copy(memory, shift)
    expect(crc32c(memory, shift)).toBe(expected)
    expect(crc32c(memory.subarray(shift), 0)).toBe(expected)
  }
})
