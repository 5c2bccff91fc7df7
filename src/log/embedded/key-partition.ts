/**
 * The partition of a key among `count`: FNV-1a, 32 bits
 * (http://www.isthe.com/chongo/tech/comp/fnv/). Not Kafka's hash: one symbol may have another number there.
 * It must never change: the events of a key would lose their order.
 */
export function keyPartition(key: Buffer, count: number): number {
  let hash = 0x811c9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % count
}
