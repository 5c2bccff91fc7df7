import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../../src/http/answer.ts'
import { decompress } from '../../../src/http/publish/content-coding.ts'

const mebibyte = 1_048_576

describe('decompress', () => {
  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('takes %s in several pieces', async (coding, compress) => {
    const body = Buffer.concat([compress('one '), compress('two')])

    expect(await decompress(body, coding, 100)).toEqual(Buffer.from('one two'))
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('takes %s that comes to exactly the limit, and no byte more', async (coding, compress) => {
    const body = compress(Buffer.alloc(200_000))

    expect(await decompress(body, coding, 200_000)).toHaveLength(200_000)
    expect(await decompress(body, coding, 199_999)).toMatchObject({ status: 413 })
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('holds no more of a %s bomb than the limit', async (coding, compress) => {
    const bomb = compress(Buffer.alloc(256 * mebibyte))
    const before = process.memoryUsage().rss
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => decompress(bomb, coding, mebibyte)))

    expect(outcomes.every(outcome => outcome instanceof Refusal && outcome.status === 413)).toBe(true)
    // 20 at once: 20 MiB of outcome, as much again while it is joined, and the windows of the decompressors
    // (zstd: 8 MiB each).
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * mebibyte)
  })

  test('refuses a zstd window that a few bytes would make large', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 26 }
    const wide = zstdCompressSync(Buffer.alloc(64 * mebibyte), { params })

    expect(await decompress(wide, 'zstd', 128 * mebibyte)).toMatchObject({ status: 400 })
  })
})
