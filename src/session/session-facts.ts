import type { Grant } from '../auth/grant.ts'
import type { SessionState } from './session-steps.ts'
import type { Transport, TransportName } from './transport.ts'

/** A session as an operator sees it. Times are in ms since 1970. */
export interface SessionFacts {
  /** Unique in this process, and rising. */
  readonly number: number
  /** The name of its feed. */
  readonly feed: string
  readonly transport: TransportName
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

interface DescribedSession {
  readonly number: number
  readonly feed: { readonly name: string }
  readonly state: SessionState
  readonly size: number
  readonly unsentBytes: number
}

/** The parts of a session that only it knows. */
interface SessionParts {
  readonly address: string
  readonly transport: Transport
  readonly grant: Grant | undefined
  readonly sinceMs: number
  readonly lastMessageMs: number | undefined
}

/** Returns a session as an operator sees it. */
export function sessionFactsOf(
  { number, feed, state, size, unsentBytes }: DescribedSession,
  { address, transport, grant, sinceMs, lastMessageMs }: SessionParts,
): SessionFacts {
  return {
    number,
    address,
    feed: feed.name,
    transport: transport.traits.name,
    state,
    ...identityOf(grant),
    form: transport.form.name,
    sinceMs,
    ...(lastMessageMs === undefined ? {} : { lastMessageMs }),
    items: size,
    unsentBytes,
    ...transport.written,
  }
}

/** Returns the user and the token of a session, as far as they are known. */
function identityOf(grant: Grant | undefined): Pick<SessionFacts, 'subject' | 'tokenId' | 'expiresAtMs'> {
  if (grant === undefined) return {}
  const { subject, tokenId, expiresAtMs } = grant
  return { subject, expiresAtMs, ...(tokenId === undefined ? {} : { tokenId }) }
}
