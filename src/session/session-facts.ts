import type { Grant } from '../auth/grant.ts'
import type { SessionState } from './session-steps.ts'

/** A session as an operator sees it. Times are in ms since 1970. */
export interface SessionFacts {
  /** Unique in this process, and rising. */
  readonly number: number
  /** The name of its feed. */
  readonly feed: string
  readonly state: SessionState
  /** The user, once the token was verified. */
  readonly subject?: string
  /** The token's id (`jti`), where it has one. */
  readonly tokenId?: string
  readonly address: string
  /** The wire form. */
  readonly form: string
  readonly sinceMs: number
  /** When the token expires. */
  readonly expiresAtMs?: number
  /** When the client last sent something. */
  readonly lastMessageMs?: number
  /** How many items are subscribed. */
  readonly items: number
  /** Bytes written, but not taken by the connection. */
  readonly unsentBytes: number
  readonly frames: number
  readonly bytes: number
}

/** Returns the user and the token of a session, as far as they are known. */
export function identityOf(
  grant: Grant | undefined,
): Pick<SessionFacts, 'subject' | 'tokenId' | 'expiresAtMs'> {
  if (grant === undefined) return {}
  const { subject, tokenId, expiresAtMs } = grant
  return { subject, expiresAtMs, ...(tokenId === undefined ? {} : { tokenId }) }
}
