import { parseIpAddress } from '../ip-address.ts'

/**
 * What stands for an address in limits: an IPv4 address as it is, however it is written; of an IPv6 address its first 64 bits, since one
 * subscriber has as many addresses below them as he likes (RFC 6177).
 */
export function addressKey(text: string): string {
  const address = parseIpAddress(text)
  if (address === undefined) return text
  if (!('parts' in address)) return address.toString()
  const network = address.parts.slice(0, 4).map(part => part.toString(16))
  return `${network.join(':')}::/64`
}
