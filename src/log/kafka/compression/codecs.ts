import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { uncompressSync } from 'snappy'
import { MalformedError } from '../kafka-error.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { unpackLz4 } from './lz4-frame.ts'

/** A compression of record batches. */
interface Codec {
  readonly name: string
  /** Unpacks the records of a batch. Throws on garbage, and if the result would be longer than `maxBytes`. */
  readonly unpack: (bytes: Buffer, maxBytes: number) => Buffer
}

/** The codecs, by the lowest three bits of a batch's attributes. 0 means none; 5 to 7 do not exist. */
export const codecs: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [1, { name: 'gzip', unpack: (bytes, maxBytes) => gunzipSync(bytes, { maxOutputLength: maxBytes }) }],
  [2, { name: 'snappy', unpack: unpackSnappy }],
  [3, { name: 'lz4', unpack: unpackLz4 }],
  [
    4,
    { name: 'zstd', unpack: (bytes, maxBytes) => zstdDecompressSync(bytes, { maxOutputLength: maxBytes }) },
  ],
])

/** Begins the framing of snappy-java, which others write too. Two versions and blocks follow. */
const xerialMagic = Buffer.from('\x82SNAPPY\0', 'latin1')
const xerialVersionsBytes = 8
/** A copy gives at most 64 bytes for 3 (snappy's format_description.txt §2.2), which limits a block. */
const maxSnappyRatio = 22

/** Unpacks Java's form (blocks in the xerial framing) and librdkafka's (one block). */
function unpackSnappy(bytes: Buffer, maxBytes: number): Buffer {
  const blocks = blocksOf(bytes)
  const claimed = blocks.reduce((sum, block) => sum + claimedBytes(block), 0)
  if (claimed > maxBytes) throw new MalformedError(`snappy claims ${claimed} bytes, more than ${maxBytes}`)
  const parts = blocks.map(unpackBlock)
  const [first = Buffer.alloc(0)] = parts
  return parts.length > 1 ? Buffer.concat(parts) : first
}

function blocksOf(bytes: Buffer): readonly Buffer[] {
  if (!xerialMagic.equals(bytes.subarray(0, xerialMagic.length))) return [bytes]
  const reader = new ByteReader(bytes, xerialMagic.length)
  reader.skip(xerialVersionsBytes)
  const blocks: Buffer[] = []
  while (reader.remaining > 0) blocks.push(reader.bytes(reader.int32()))
  return blocks
}

/** The unpacked length, with which a block begins. */
function claimedBytes(block: Buffer): number {
  const claimed = new ByteReader(block).uvarint()
  if (claimed > maxSnappyRatio * block.length) {
    throw new MalformedError(`a snappy block of ${block.length} bytes claims ${claimed}`)
  }
  return claimed
}

/** The package checks that the block has the length it claims. */
function unpackBlock(block: Buffer): Buffer {
  const unpacked = uncompressSync(block, { asBuffer: true })
  return typeof unpacked === 'string' ? Buffer.from(unpacked, 'latin1') : unpacked
}
