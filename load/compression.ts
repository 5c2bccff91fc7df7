import { gzipSync, zstdCompressSync } from 'node:zlib'
import kafkajs, { type CompressionTypes } from 'kafkajs'
import { compressFrameSync } from 'lz4-napi'
import { codecs } from '../src/log/kafka/compression/codecs.ts'

export const compressions = ['none', 'gzip', 'lz4', 'zstd'] as const

export type Compression = (typeof compressions)[number]

const typeOf: Readonly<Record<Compression, CompressionTypes>> = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
}

const packers: Readonly<Record<Compression, (bytes: Buffer) => Buffer>> = {
  none: bytes => bytes,
  gzip: bytes => gzipSync(bytes),
  lz4: bytes => compressFrameSync(bytes),
  zstd: bytes => zstdCompressSync(bytes),
}

const maxUnpackedBytes = 32 * 1024 * 1024

/** Gives kafkajs the very functions that the gateway unpacks with, so that codecs make no difference. Answers its number. */
export function registerCompression(compression: Compression): CompressionTypes {
  const type = typeOf[compression]
  const codec = codecs.get(type)
  if (type === kafkajs.CompressionTypes.None || codec === undefined) return type
  kafkajs.CompressionCodecs[type] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => packers[compression](buffer),
    decompress: async (bytes: Buffer) => codec.unpack(bytes, maxUnpackedBytes),
  })
  return type
}

/** Reads the name of a compression. Throws an error that names the option, the value and the rule. */
export function compressionOption(text: string): Compression {
  const found = compressions.find(name => name === text)
  if (found === undefined) throw new Error(`--compression ${text}: expected ${compressions.join(', ')}`)
  return found
}
