import type { SessionState } from './session-steps.ts'

/** What an operator sees of a session. Times are in ms since 1970. */
export interface SessionFacts {
  /** Unique in this process, and rising. */
  readonly number: number
  readonly state: SessionState
  /** The user, once the token was verified. */
  readonly subject?: string
  /** The token's id (`jti`), where it has one. */
  readonly tokenId?: string
  readonly address: string
  /** The subprotocol. */
  readonly form: string
  readonly sinceMs: number
  /** When the token expires. */
  readonly expiresAtMs?: number
  /** When the client last sent something. */
  readonly lastMessageMs?: number
  /** How many items are subscribed. */
  readonly items: number
  /** Written, but not taken by the connection. */
  readonly unsentBytes: number
  readonly frames: number
  readonly bytes: number
}
