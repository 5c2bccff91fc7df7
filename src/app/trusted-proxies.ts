import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import parseForwarded from 'forwarded-parse'
import { type AddressRange, type IpAddress, isInRange, parseIpAddress } from '../system/ip-address.ts'

/** The client of a request, as far as trusted proxies report it. */
export interface Client {
  /** The address that connected to the first of the trusted proxies or, without one, to this node. */
  readonly address: string
  readonly isProxied: boolean
  /** The scheme of its request to that proxy, in lower case; `undefined` if the proxy does not report it. */
  readonly scheme: string | undefined
}

/** What one proxy reports of its client. */
interface Hop {
  /** `undefined` if the proxy does not report it, or it is malformed. */
  readonly address: IpAddress | undefined
  readonly scheme: string | undefined
}

/**
 * The proxies whose headers are believed. Each appends the address of its client to the header that it
 * received, so the header is read from its end: as long as an address is that of a trusted proxy, the entry
 * before it is believed as well. The client may have invented everything else.
 */
export class TrustedProxies {
  readonly #ranges: readonly AddressRange[]

  constructor(ranges: readonly AddressRange[]) {
    this.#ranges = ranges
  }

  /** Whether an address, as Node formats it, is that of a trusted proxy. */
  has(address: string): boolean {
    return this.#has(parseIpAddress(address))
  }

  clientOf({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): Client {
    let address = parseIpAddress(socket.remoteAddress ?? '')
    const isProxied = this.#has(address)
    let scheme: string | undefined
    for (const hop of isProxied ? hopsOf(headers) : []) {
      scheme = hop.scheme
      // A client whose address is not reported counts under the address of its proxy.
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
 * Returns the hops, nearest first. X-Forwarded-… take precedence over `Forwarded`: most proxies write the
 * former and pass on the latter as their client wrote it.
 */
function hopsOf(headers: IncomingHttpHeaders): readonly Hop[] {
  const addresses = entriesOf(headers['x-forwarded-for'])
  const schemes = entriesOf(headers['x-forwarded-proto'])
  if (addresses.length + schemes.length === 0) return forwardedHops(headers.forwarded ?? '')
  return Array.from({ length: Math.max(addresses.length, 1) }, (_, index) => ({
    address: parseNode(addresses[index] ?? ''),
    // Many proxies pass on the scheme that they received, instead of adding theirs.
    scheme: schemes[Math.min(index, schemes.length - 1)]?.toLowerCase(),
  }))
}

/** Returns the entries of a list (RFC 9110 §5.6.1), last first; Node joins the lines of a repeated header. */
function entriesOf(list: string | readonly string[] | undefined): readonly string[] {
  const entries = String(list ?? '').split(',')
  return entries
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
    .toReversed()
}

/** Reads a `Forwarded` header (RFC 7239); a malformed one has no hops. */
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

/**
 * Reads an address as proxies write it (RFC 7239 §6), maybe in brackets or with a port; `unknown` and
 * `_hidden` are none.
 */
function parseNode(text: string): IpAddress | undefined {
  const [, ipv6, ipv4] = /^(?:\[(.*)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/.exec(text) ?? []
  return parseIpAddress(ipv6 ?? ipv4 ?? text)
}
