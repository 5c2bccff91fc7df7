import { isLoopback } from '../system/ip-address.ts'

/**
 * The web origins whose pages may connect: every one (`*`), those served from loopback, or those listed, each
 * as a browser sends it in `Origin` (RFC 6454 §6.2).
 */
export type AllowedOrigins = '*' | 'loopback' | ReadonlySet<string>

/**
 * Whether a request with this `Origin` header may connect. An absent one may: only browsers are bound to send it,
 * and a token is asked of everyone. The opaque origin `null` may only where every origin may.
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
