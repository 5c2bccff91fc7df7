import { gzipSync, zstdCompressSync } from 'node:zlib'
import kafkajs, { type CompressionTypes } from 'kafkajs'
import { compressFrameSync } from 'lz4-napi'
import { codecs } from '../../src/log/kafka/compression/codecs.ts'

const { CompressionTypes: types } = kafkajs

const packers = {
  none: { type: types.None, pack: (bytes: Buffer) => bytes },
  gzip: { type: types.GZIP, pack: (bytes: Buffer) => gzipSync(bytes) },
  lz4: { type: types.LZ4, pack: (bytes: Buffer) => compressFrameSync(bytes) },
  zstd: { type: types.ZSTD, pack: (bytes: Buffer) => zstdCompressSync(bytes) },
} as const

export const compressions = ['none', 'gzip', 'lz4', 'zstd'] as const

export type Compression = (typeof compressions)[number]

const maxUnpackedBytes = 32 * 1024 * 1024

/** Gives kafkajs the functions that the gateway unpacks with, so that codecs make no difference. */
export function registerCompression(compression: Compression): CompressionTypes {
  const { type, pack } = packers[compression]
  const codec = codecs.get(type)
  if (type === types.None || codec === undefined) return type
  kafkajs.CompressionCodecs[type] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => pack(buffer),
    decompress: async (bytes: Buffer) => codec.unpack(bytes, maxUnpackedBytes),
  })
  return type
}
