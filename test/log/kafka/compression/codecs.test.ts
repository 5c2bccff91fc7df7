import assert from 'node:assert/strict'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import { codecs } from '../../../../src/log/kafka/compression/codecs.ts'
import { int32, xerial } from '../xerial.ts'

const maxBytes = 1024 * 1024
/** In the words of zlib, of the packages and of ours. */
const tooMuch = /larger than|too small|more than/
const zeros = Buffer.alloc(64 * maxBytes)

/** A frame as the format describes it; `blocks` with their sizes in front. */
function lz4Frame({ flags = 0x60, size = 0x40, header = Buffer.alloc(0) }, ...blocks: Buffer[]): Buffer {
  const end = int32(0)
  return Buffer.concat([
    Buffer.from([4, 0x22, 0x4d, 0x18, flags, size]),
    header,
    Buffer.alloc(1),
    ...blocks,
    end,
  ])
}

function lz4Block(bytes: Buffer, isPlain: 0 | 1 = 0): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((bytes.length + isPlain * 2 ** 31) >>> 0)
  return Buffer.concat([size, bytes])
}

const packings = {
  gzip: { number: 1, pack: (bytes: Buffer) => gzipSync(bytes) },
  'snappy, one block': { number: 2, pack: (bytes: Buffer) => compressSync(bytes) },
  'snappy, in the xerial framing': { number: 2, pack: (bytes: Buffer) => xerial(bytes) },
  lz4: { number: 3, pack: (bytes: Buffer) => compressFrameSync(bytes) },
  'lz4 with checksums': {
    number: 3,
    pack: (bytes: Buffer) => compressFrameSync(bytes, { blockChecksums: true, contentChecksum: true }),
  },
  zstd: { number: 4, pack: (bytes: Buffer) => zstdCompressSync(bytes) },
} as const

function unpack(number: number, bytes: Buffer): Buffer {
  return codecs.get(number)!.unpack(bytes, maxBytes)
}

describe.for(Object.entries(packings))('%s', ([, { number, pack }]) => {
  test('unpacks what was packed', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.nat(5000), (parts, times) => {
      const bytes = Buffer.concat(parts.map(part => Buffer.from(part)))
      const repeated = Buffer.alloc(Math.min(maxBytes, bytes.length * times), bytes)
      assert.deepEqual(unpack(number, pack(repeated)), repeated)
    })
    expect(fc.assert(property, { numRuns: 100 })).toBe(undefined)
  })

  test('unpacks up to the bound, and not a byte more', () => {
    expect(unpack(number, pack(zeros.subarray(0, maxBytes)))).toHaveLength(maxBytes)
    expect(() => unpack(number, pack(zeros.subarray(0, maxBytes + 1)))).toThrow(tooMuch)
  })

  test('refuses 64 times the bound without allocating it', () => {
    const packed = pack(zeros)
    const before = process.memoryUsage().rss
    for (let time = 0; time < 20; time += 1) expect(() => unpack(number, packed)).toThrow(tooMuch)
    expect(process.memoryUsage().rss - before).toBeLessThan(zeros.length)
  })

  test('answers damage with an error or with bytes within the bound', () => {
    const sound = pack(Buffer.from('AAPL 126.55 '.repeat(500)))
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(sound.length),
      (flips, length) => {
        const damaged = Buffer.from(sound)
        for (const [at, byte] of flips) damaged[at] = byte
        for (const bytes of [damaged, damaged.subarray(0, length)]) {
          try {
            assert.ok(unpack(number, bytes).length <= maxBytes)
          } catch (error) {
            assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error))
          }
        }
      },
    )
    expect(fc.assert(property, { numRuns: 2000 })).toBe(undefined)
  })

  test('takes noise for garbage', () => {
    const property = fc.property(fc.uint8Array({ minLength: 9, maxLength: 300 }), noise => {
      // Any zero byte is a whole snappy block of nothing, and some others are sound by chance.
      noise[0] = 0xff
      noise[1] = 0xff
      assert.throws(() => unpack(number, Buffer.from(noise)))
    })
    expect(fc.assert(property, { numRuns: 1000 })).toBe(undefined)
  })
})

test('refuses snappy that claims more than it can hold, before it allocates', () => {
  const claims4GB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 65])
  expect(() => unpack(2, claims4GB)).toThrow('a snappy block of 7 bytes claims 4294967295')
  expect(() => unpack(2, xerial(zeros.subarray(0, 2 * maxBytes)))).toThrow(
    'snappy claims 2097152 bytes, more than 1048576',
  )
})

test('refuses snappy that holds less than it claims', () => {
  const packed = compressSync('AAPL 126.55 AAPL 126.55')
  packed[0]! += 1
  expect(() => unpack(2, packed)).toThrow('corrupt input')
})

test('refuses an lz4 frame of many blocks that together are too many', () => {
  const block = lz4Block(Buffer.alloc(65_536, 1), 1)
  expect(unpack(3, lz4Frame({}, ...Array.from({ length: 16 }, () => block)))).toHaveLength(maxBytes)
  expect(() => unpack(3, lz4Frame({}, ...Array.from({ length: 17 }, () => block)))).toThrow(
    'an lz4 block of more than 0 bytes',
  )
})

test('believes the size of an lz4 frame only if it is right', () => {
  const header = (bytes: number) => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(bytes))
    return { flags: 0x68, header: size }
  }
  const block = lz4Block(Buffer.from('AAPL'), 1)
  expect(unpack(3, lz4Frame(header(4), block)).toString()).toBe('AAPL')
  expect(() => unpack(3, lz4Frame(header(5), block))).toThrow('lz4 of 4 bytes, 5 claimed')
  expect(() => unpack(3, lz4Frame(header(2 ** 40), block))).toThrow('lz4 claims 1099511627776 bytes')
})

test('refuses lz4 as brokers do: dependent blocks, dictionaries, other versions, trailing bytes', () => {
  const block = lz4Block(Buffer.from('AAPL'), 1)
  for (const flags of [0x40, 0x61, 0xa0]) {
    expect(() => unpack(3, lz4Frame({ flags }, block))).toThrow(`lz4 with the flags ${flags}`)
  }
  expect(() => unpack(3, lz4Frame({ size: 0x30 }, block))).toThrow('an lz4 block size of code 3')
  expect(() => unpack(3, Buffer.concat([lz4Frame({}, block), Buffer.alloc(3)]))).toThrow('3 behind it')
})
