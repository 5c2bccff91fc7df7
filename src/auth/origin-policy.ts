import { isLoopback } from '../system/ip-address.ts'

/**
 * The web origins whose pages may connect: all (`*`), those served from loopback, or those listed, each as a
 * browser sends it in `Origin` (RFC 6454 §6.2).
 */
export type AllowedOrigins = '*' | 'loopback' | ReadonlySet<string>

/**
 * Whether a request with this `Origin` header may connect. A request without one may: only browsers must send
 * it, and every client needs a token. The opaque origin `null` may connect only where all origins may.
 */
export function isOriginAllowed(origin: string | undefined, allowed: AllowedOrigins): boolean {
  if (origin === undefined || allowed === '*') return true
  if (allowed !== 'loopback') return allowed.has(origin)
  const url = URL.parse(origin)
  return url !== null && url.origin === origin && isLoopback(hostOf(url))
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}
