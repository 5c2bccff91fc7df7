interface CloseReasonTerms {
  /** The reason as clients and operators read it. */
  readonly text: string
  /** `stop`: people have to act before the client may connect again. */
  readonly client: 'reconnect' | 'stop'
}

/**
 * Why the gateway ends a session, and so what its client should do. Each transport says it in its own codes
 * (`PROTOCOL.md` §7).
 */
export const closeReasonTerms = {
  draining: { text: 'draining', client: 'reconnect' },
  tooSlow: { text: 'too slow', client: 'reconnect' },
  connectionLimit: { text: 'connection limit', client: 'reconnect' },
  tokenExpired: { text: 'token expired', client: 'reconnect' },
  authTimeout: { text: 'authentication timeout', client: 'reconnect' },
  unreachable: { text: 'no answer to pings', client: 'reconnect' },
  internal: { text: 'internal error', client: 'reconnect' },
  tooManyMessages: { text: 'too many messages', client: 'reconnect' },
  unauthorized: { text: 'unauthorized', client: 'stop' },
  revoked: { text: 'token revoked', client: 'stop' },
  dismissed: { text: 'ended by the operator', client: 'stop' },
  /** The subscription at the beginning was refused, on a transport whose client cannot send another. */
  rejected: { text: 'rejected', client: 'stop' },
} as const satisfies Record<string, CloseReasonTerms>

export type CloseReason = keyof typeof closeReasonTerms

export const closeReasons = Object.keys(closeReasonTerms).filter(
  (name): name is CloseReason => name in closeReasonTerms,
)
