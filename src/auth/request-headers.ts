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

/**
 * The content of an `Authorization` header: a token, nothing, or something unusable with the reason, which
 * never shows the content.
 */
type AuthorizationHeader =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly fault: string }

/** Reads an `Authorization: Bearer …` header (RFC 6750 §2.1). */
export function readBearerToken(header: string | undefined): AuthorizationHeader {
  if (header === undefined || header.trim() === '') return { kind: 'absent' }
  const token = /^Bearer +([^\s]+)\s*$/i.exec(header)?.[1]
  return token === undefined ? { kind: 'unusable', fault: headerFault(header) } : { kind: 'token', token }
}

function headerFault(header: string): string {
  // A token contains dots and is longer, so it is never taken for a scheme and shown.
  const [scheme] = /^[A-Za-z][A-Za-z-]{0,19}(?=\s|$)/.exec(header) ?? []
  if (scheme === undefined) return 'Authorization: expected "Bearer" and a space before the token'
  if (scheme.toLowerCase() !== 'bearer') return `Authorization: expected the scheme Bearer, not ${scheme}`
  const rest = header.slice(scheme.length).trim()
  return `Authorization: ${rest === '' ? '"Bearer" without a token' : 'white space inside the token'}`
}
