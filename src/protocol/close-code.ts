/** Says why a connection is closed, and so what its client should do. */
export interface CloseCode {
  readonly code: number
  readonly reason: string
}

/**
 * 4000–4499: the client should reconnect. 4500–4999: it should stop, since people have to act.
 * `PROTOCOL.md` §7 lists them.
 */
export const closeCodes = {
  draining: { code: 4000, reason: 'draining' },
  tooSlow: { code: 4001, reason: 'too slow' },
  connectionLimit: { code: 4002, reason: 'connection limit' },
  tokenExpired: { code: 4003, reason: 'token expired' },
  authTimeout: { code: 4004, reason: 'authentication timeout' },
  unreachable: { code: 4005, reason: 'no answer to pings' },
  internal: { code: 4006, reason: 'internal error' },
  tooManyMessages: { code: 4007, reason: 'too many messages' },
  unauthorized: { code: 4501, reason: 'unauthorized' },
  revoked: { code: 4502, reason: 'token revoked' },
  dismissed: { code: 4503, reason: 'ended by the operator' },
} as const satisfies Record<string, CloseCode>

export type CloseReason = keyof typeof closeCodes

export const closeReasons = Object.keys(closeCodes).filter((name): name is CloseReason => name in closeCodes)
