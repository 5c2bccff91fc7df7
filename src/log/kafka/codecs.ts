import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** Decompresses the records of a batch at once; throws on garbage and on more than `maxBytes` of outcome. */
export type Decompress = (bytes: Buffer, maxBytes: number) => Buffer

/** A compression of record batches. Without `decompress` it is known but cannot be read. */
export interface Codec {
  readonly name: string
  readonly decompress?: Decompress
}

/** The codecs by the lowest three bits of a batch's attributes; 0 is no compression. */
export const codecs: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [1, { name: 'gzip', decompress: (bytes, maxBytes) => gunzipSync(bytes, { maxOutputLength: maxBytes }) }],
  [2, { name: 'snappy' }],
  [3, { name: 'lz4' }],
  [
    4,
    {
      name: 'zstd',
      decompress: (bytes, maxBytes) => zstdDecompressSync(bytes, { maxOutputLength: maxBytes }),
    },
  ],
])
