import { type AllowedOrigins, isOriginAllowed } from '../../auth/request-headers.ts'

/**
 * Returns the header fields by which a page of an allowed origin may read an answer (Fetch Standard §3.3).
 * `undefined` where the origin is not allowed.
 */
export function sharingHeaders(
  origin: string | undefined,
  allowed: AllowedOrigins,
): Readonly<Record<string, string>> | undefined {
  if (!isOriginAllowed(origin, allowed)) return undefined
  if (origin === undefined) return { vary }
  return {
    vary,
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
  }
}

/** An answer depends on these: a cache must not give it to others. */
const vary = 'Origin, Accept, Accept-Encoding, Authorization'

/** What a page may send, as the answer to a preflight says. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': 'Authorization, Cache-Control, Last-Event-ID',
  'access-control-max-age': '600',
}
