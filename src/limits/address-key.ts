import { isIPv6 } from 'node:net'

/**
 * What stands for an address in limits: an IPv4 address as it is, also where it comes mapped into IPv6 (RFC 4291 §2.5.5.2); of an
 * IPv6 address its first 64 bits, since one subscriber has as many addresses below them as he likes (RFC 6177).
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%', 1)[0]?.toLowerCase().split('::') ?? []
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return `${groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** A dotted quad at the end stands for two groups, which are not among the first four unless they are all there is. */
function groupsOf(part: string): string[] {
  if (part === '') return []
  return part.split(':').flatMap(group => (group.includes('.') ? ['0', '0'] : [group]))
}
