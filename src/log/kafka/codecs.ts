import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { unpackLz4 } from './lz4-frame.ts'
import { unpackSnappy } from './snappy.ts'

/** A compression of record batches. */
export interface Codec {
  readonly name: string
  /** Unpacks the records of a batch at once; throws on garbage, and before the outcome is longer than `maxBytes`. */
  readonly unpack: (bytes: Buffer, maxBytes: number) => Buffer
}

/** The codecs by the lowest three bits of a batch's attributes; 0 is no compression, 5 to 7 are none that exists. */
export const codecs: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [1, { name: 'gzip', unpack: (bytes, maxBytes) => gunzipSync(bytes, { maxOutputLength: maxBytes }) }],
  [2, { name: 'snappy', unpack: unpackSnappy }],
  [3, { name: 'lz4', unpack: unpackLz4 }],
  [
    4,
    { name: 'zstd', unpack: (bytes, maxBytes) => zstdDecompressSync(bytes, { maxOutputLength: maxBytes }) },
  ],
])
