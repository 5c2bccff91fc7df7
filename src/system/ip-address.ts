import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Reads an IP address in any of its spellings, but no other number that a resolver would take for one. An IPv4 address that is mapped
 * into IPv6 (RFC 4291 §2.5.5.2) counts as IPv4, and the zone of an IPv6 address (RFC 4007 §11) is left out: it names a network card of
 * this machine. Returns `undefined` for anything else.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text.replace(/%.*$/, ''))
}

/** A range of addresses: the first bits that they have in common (RFC 4632 §3.1). */
export interface AddressRange {
  readonly address: IpAddress
  readonly bits: number
}

/** Reads an address or a range such as 10.0.0.0/8; one of mapped IPv4 addresses counts as IPv4. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [written = '', prefix, ...rest] = text.split('/')
  const address = parseIpAddress(written)
  if (address === undefined || rest.length > 0) return undefined
  const width = isIP(written) === 4 ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const bits = Number(prefix ?? width)
  if (bits > width) return undefined
  if (address.kind() === 'ipv6' || width === 32) return { address, bits }
  // Fewer bits than the 96 that all mapped addresses share would take in other IPv6 addresses as well.
  return bits < 96 ? undefined : { address, bits: bits - 96 }
}

/** Whether an address is in a range, which is of the same family then. */
export function isInRange(address: IpAddress, { address: first, bits }: AddressRange): boolean {
  return address.kind() === first.kind() && address.match(first, bits)
}

/** Whether a host (an IP address without brackets, or a name) never leaves this machine: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(host: string): boolean {
  return parseIpAddress(host)?.range() === 'loopback' || host.toLowerCase() === 'localhost'
}

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
