/**
 * The content of an `Authorization` header: a token, nothing, or something unusable with the reason, which
 * never shows the content.
 */
export type AuthorizationHeader =
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
