const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * The hash by which Java's producer and kafkajs choose the partition of a key, so that one key lands in one
 * partition whoever wrote it. Not negative.
 */
export function murmur2(bytes: Buffer): number {
  const wholeWords = bytes.length & ~3
  let hash = seed ^ bytes.length
  for (let at = 0; at < wholeWords; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), multiplier)
    word ^= word >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  for (let at = bytes.length - 1; at >= wholeWords; at -= 1) hash ^= bytes.readUInt8(at) << (8 * (at & 3))
  if (wholeWords < bytes.length) hash = Math.imul(hash, multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  hash ^= hash >>> 15
  return hash & 0x7fffffff
}
