import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import parseForwarded from 'forwarded-parse'
import { type AddressRange, type IpAddress, isInRange, parseIpAddress } from '../system/ip-address.ts'

/** Who a request comes from, as far as can be believed. */
export interface Client {
  /** The address that connected to the first of the trusted proxies or, without one, to this node. */
  readonly address: string
  readonly isProxied: boolean
  /** What it spoke to that proxy, in lower case; `undefined` where the proxy does not say. */
  readonly scheme: string | undefined
}

/** What one proxy says of whoever connected to it. */
interface Hop {
  /** `undefined` where it keeps that to itself, or it cannot be read. */
  readonly address: IpAddress | undefined
  readonly scheme: string | undefined
}

/**
 * The proxies that are believed. Each says in a header who connected to it, behind what it was told itself, so the headers are read from
 * the end: as long as that was a trusted proxy, what stands before it is believed as well. Everything else may be the client's invention.
 */
export class TrustedProxies {
  readonly #ranges: readonly AddressRange[]

  constructor(ranges: readonly AddressRange[]) {
    this.#ranges = ranges
  }

  /** Whether an address, as Node writes it, is that of a trusted proxy. */
  has(address: string): boolean {
    return this.#has(parseIpAddress(address))
  }

  clientOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): Client {
    let address = parseIpAddress(socket.remoteAddress ?? '')
    const isProxied = this.#has(address)
    let scheme: string | undefined
    for (const hop of isProxied ? hopsOf(headers) : []) {
      scheme = hop.scheme
      // An address that is not told is counted as that of the proxy which does not tell it.
      address = hop.address ?? address
      if (hop.address === undefined || !this.#has(address)) break
    }
    return { address: address?.toString() ?? '', isProxied, scheme }
  }

  #has(address: IpAddress | undefined): boolean {
    return address !== undefined && this.#ranges.some(range => isInRange(address, range))
  }
}

/**
 * The hops, nearest first. Where both kinds of header are there, X-Forwarded-… are read and `Forwarded` is not: most proxies write the
 * former, and hand on the latter as their client wrote it.
 */
function hopsOf(headers: IncomingHttpHeaders): readonly Hop[] {
  const addresses = entriesOf(headers['x-forwarded-for'])
  const schemes = entriesOf(headers['x-forwarded-proto'])
  if (addresses.length + schemes.length === 0) return forwardedHops(headers.forwarded ?? '')
  return Array.from({ length: Math.max(addresses.length, 1) }, (_, index) => ({
    address: parseNode(addresses[index] ?? ''),
    // Many proxies hand on the scheme that they were told, instead of adding theirs.
    scheme: schemes[Math.min(index, schemes.length - 1)]?.toLowerCase(),
  }))
}

/** The entries of a list (RFC 9110 §5.6.1), last first; Node has joined the lines of a repeated header. */
function entriesOf(list: string | readonly string[] | undefined): readonly string[] {
  const entries = String(list ?? '').split(',')
  return entries
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
    .toReversed()
}

/** RFC 7239; of a malformed header, nothing is known. */
function forwardedHops(header: string): readonly Hop[] {
  try {
    const elements = parseForwarded(header)
    return elements
      .map(element => ({
        address: parseNode(element['for'] ?? ''),
        scheme: element['proto']?.toLowerCase(),
      }))
      .toReversed()
  } catch {
    return []
  }
}

/** An address as proxies write it (RFC 7239 §6): alone, in brackets, with a port. `unknown` and names such as `_hidden` are none. */
function parseNode(text: string): IpAddress | undefined {
  const [, ipv6, ipv4] = /^(?:\[(.*)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/.exec(text) ?? []
  return parseIpAddress(ipv6 ?? ipv4 ?? text)
}
