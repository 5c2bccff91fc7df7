import { AccessTokenError } from './access-token-error.ts'

/** An access token, and for how long it is good; `undefined`: not said, so it is used once. */
export interface GrantedToken {
  readonly value: string
  readonly lifeMs: number | undefined
}

/** The text, if it is a bearer token (RFC 6750 §2.1): other bytes could end a SASL message. Throws an `AccessTokenError`. */
export function checkedToken(text: string): string {
  if (/^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text
  throw new AccessTokenError(`${text.length} characters that are no bearer token`)
}
