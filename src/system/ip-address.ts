import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Parses an IP address in any of its spellings, but no other number that a resolver would accept as one. An
 * IPv4 address that is mapped into IPv6 (RFC 4291 §2.5.5.2) becomes IPv4, and the zone of an IPv6 address
 * (RFC 4007 §11) is left out: it names a network interface of this machine. Returns `undefined` for anything
 * else.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text.replace(/%.*$/, ''))
}

/** A range of addresses: the bits that they have in common (RFC 4632 §3.1). */
export interface AddressRange {
  readonly address: IpAddress
  readonly bits: number
}

/** Parses an address or a range such as 10.0.0.0/8; a range of mapped IPv4 addresses becomes one of IPv4. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [written = '', prefix, ...rest] = text.split('/')
  const address = parseIpAddress(written)
  if (address === undefined || rest.length > 0) return undefined
  const width = isIP(written) === 4 ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const bits = Number(prefix ?? width)
  if (bits > width) return undefined
  if (address.kind() === 'ipv6' || width === 32) return { address, bits }
  // With fewer bits than the 96 that all mapped addresses share, the range includes other IPv6 addresses as
  // well.
  return bits < 96 ? undefined : { address, bits: bits - 96 }
}

/** Whether an address is in a range of the same family. */
export function isInRange(address: IpAddress, { address: first, bits }: AddressRange): boolean {
  return address.kind() === first.kind() && address.match(first, bits)
}

/**
 * Whether a host (an IP address without brackets, or a name) never leaves this machine: 127.0.0.0/8, ::1,
 * localhost.
 */
export function isLoopback(host: string): boolean {
  return parseIpAddress(host)?.range() === 'loopback' || host.toLowerCase() === 'localhost'
}

/**
 * The key under which limits count an address: an IPv4 address in its usual spelling, or the first 64 bits of
 * an IPv6 address, because one subscriber controls every address below them (RFC 6177).
 */
export function addressKey(text: string): string {
  const address = parseIpAddress(text)
  if (address === undefined) return text
  if (!('parts' in address)) return address.toString()
  const network = address.parts.slice(0, 4).map(part => part.toString(16))
  return `${network.join(':')}::/64`
}
