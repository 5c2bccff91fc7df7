/** The token of an `Authorization: Bearer …` header (RFC 6750 §2.1), or `undefined` where there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)\s*$/i.exec(header ?? '')?.[1]
}
