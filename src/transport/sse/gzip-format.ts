import { crc32 } from 'node:zlib'

/** The first bytes of a gzip member without a name or a time (RFC 1952 §2.3). */
export const gzipHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** A stored block that is the last one, and empty (RFC 1951 §3.2.4). */
const lastBlock = [1, 0, 0, 0xff, 0xff]
/** The most bytes of a stored block. */
const maxStoredBytes = 65_535
/** In front of a stored block: three bits up to the next whole byte, its length, and that inverted. */
export const storedHeadBytes = 5
/** The length of a stored block and its inverse, which end the head of the block. */
export const storedLengthBytes = 4

/** Returns how many bytes some bytes take as stored blocks. */
export function storedSize(bytes: number): number {
  return bytes + storedHeadBytes * Math.ceil(bytes / maxStoredBytes)
}

/** Writes the length of a stored block, which follows its three bits. Returns where its bytes begin. */
export function writeStoredLength(into: Buffer, at: number, bytes: number): number {
  into.writeUInt16LE(bytes, at)
  into.writeUInt16LE(~bytes & 0xffff, at + 2)
  return at + storedLengthBytes
}

/** Writes the head of a stored block that begins with a whole byte. Returns where its bytes begin. */
export function writeStoredHead(into: Buffer, at: number, bytes: number): number {
  into[at] = 0
  return writeStoredLength(into, at + 1, bytes)
}

/** Writes bytes as stored blocks. Returns where they end. */
export function writeStored(into: Buffer, start: number, bytes: Buffer): number {
  let at = start
  for (let first = 0; first < bytes.length; first += maxStoredBytes) {
    const end = Math.min(first + maxStoredBytes, bytes.length)
    at = writeStoredHead(into, at, end - first)
    at += bytes.copy(into, at, first, end)
  }
  return at
}

/** The checksum of everything that one client is to have after decompression. */
export class GzipChecksum {
  #crc = 0
  #length = 0

  add(bytes: Buffer | string): void {
    this.#crc = crc32(bytes, this.#crc)
    this.#length += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  }

  /** Returns the end of the stream (RFC 1952 §2.3.1). */
  end(): Buffer {
    const trailer = Buffer.from([...lastBlock, 0, 0, 0, 0, 0, 0, 0, 0])
    trailer.writeUInt32LE(this.#crc, lastBlock.length)
    trailer.writeUInt32LE(this.#length % 2 ** 32, lastBlock.length + 4)
    return trailer
  }
}
