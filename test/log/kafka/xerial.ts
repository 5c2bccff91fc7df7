import { compressSync } from 'snappy'

const blockBytes = 32 * 1024

/** Snappy in the framing of Java's snappy-java: a header with two versions, then blocks with their sizes. */
export function xerial(bytes: Buffer): Buffer {
  const parts = [Buffer.from('\x82SNAPPY\0', 'latin1'), int32(1), int32(1)]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = compressSync(bytes.subarray(at, at + blockBytes))
    parts.push(int32(block.length), block)
  }
  return Buffer.concat(parts)
}

/** A number as INT32. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
