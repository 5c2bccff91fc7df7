import { uncompressSync } from 'lz4-napi'
import { ByteReader } from '../protocol/byte-reader.ts'
import { MalformedError } from '../kafka-error.ts'

/** `lz4_Frame_format.md`, "General structure": 0x184D2204, little endian. */
const magic = Buffer.from([0x04, 0x22, 0x4d, 0x18])
const versionMask = 0b1100_0000
const version1 = 0b0100_0000
const independentFlag = 0b10_0000
const blockChecksumFlag = 0b1_0000
const contentSizeFlag = 0b1000
const contentChecksumFlag = 0b100
const dictionaryFlag = 0b1
const checksumBytes = 4
const plainBlockFlag = 0x8000_0000
const sizeBytes = 4
/** A packed byte stands for at most 255 bytes, which limits the length of an unpacked block. */
const maxRatio = 255

interface Descriptor {
  readonly maxBlockBytes: number
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
  readonly contentBytes: number | undefined
}

/**
 * Unpacks an LZ4 frame block by block, so that it never allocates more than the block can hold. Skips the
 * checksums, since the batch has one of its own, and old versions of librdkafka and Java wrote wrong ones
 * (KAFKA-3160).
 */
export function unpackLz4(bytes: Buffer, maxBytes: number): Buffer {
  const reader = new ByteReader(bytes)
  const descriptor = readDescriptor(reader)
  const { contentBytes = 0 } = descriptor
  if (contentBytes > maxBytes)
    throw new MalformedError(`lz4 claims ${contentBytes} bytes, more than ${maxBytes}`)
  const blocks: Buffer[] = []
  let length = 0
  for (let size = readUint32(reader); size !== 0; size = readUint32(reader)) {
    const block = unpackBlock(reader, size, Math.min(descriptor.maxBlockBytes, maxBytes - length))
    if (descriptor.hasBlockChecksums) reader.skip(checksumBytes)
    length += block.length
    blocks.push(block)
  }
  if (descriptor.hasContentChecksum) reader.skip(checksumBytes)
  if (length !== (descriptor.contentBytes ?? length) || reader.remaining > 0) {
    throw new MalformedError(`lz4 of ${length} bytes, ${contentBytes} claimed, ${reader.remaining} behind it`)
  }
  const [first = Buffer.alloc(0)] = blocks
  return blocks.length > 1 ? Buffer.concat(blocks, length) : first
}

function readDescriptor(reader: ByteReader): Descriptor {
  if (!magic.equals(reader.bytes(magic.length))) throw new MalformedError('no lz4 frame')
  const [flags = 0, size = 0] = reader.bytes(2)
  // Brokers accept only independent blocks too (`Lz4BlockInputStream`).
  const isKnown = (flags & versionMask) === version1 && (flags & independentFlag) !== 0
  if (!isKnown || (flags & dictionaryFlag) !== 0) throw new MalformedError(`lz4 with the flags ${flags}`)
  const contentBytes = (flags & contentSizeFlag) === 0 ? undefined : readUint64(reader)
  const headerChecksumBytes = 1
  reader.skip(headerChecksumBytes)
  return {
    maxBlockBytes: blockBytes((size >> 4) & 7),
    hasBlockChecksums: (flags & blockChecksumFlag) !== 0,
    hasContentChecksum: (flags & contentChecksumFlag) !== 0,
    contentBytes,
  }
}

/** The codes 4 to 7 stand for 64 kB, 256 kB, 1 MB and 4 MB. */
function blockBytes(code: number): number {
  if (code < 4) throw new MalformedError(`an lz4 block size of code ${code}`)
  return 2 ** (8 + 2 * code)
}

/** `size` comes from the frame. Its highest bit says that the block is not compressed. */
function unpackBlock(reader: ByteReader, size: number, maxBytes: number): Buffer {
  if (size >= plainBlockFlag) {
    const plain = reader.bytes(size - plainBlockFlag)
    if (plain.length > maxBytes) throw new MalformedError(`an lz4 block of more than ${maxBytes} bytes`)
    return plain
  }
  const packed = reader.bytes(size)
  // The package expects the unpacked size before the block, where no frame has it, and allocates that much.
  const sized = Buffer.allocUnsafe(sizeBytes + packed.length)
  sized.writeUInt32LE(Math.min(maxBytes, packed.length * maxRatio))
  packed.copy(sized, sizeBytes)
  return uncompressSync(sized)
}

function readUint32(reader: ByteReader): number {
  return reader.bytes(4).readUInt32LE()
}

function readUint64(reader: ByteReader): number {
  return Number(reader.bytes(8).readBigUInt64LE())
}
