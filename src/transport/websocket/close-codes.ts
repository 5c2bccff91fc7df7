import type { CloseReason } from '../../protocol/close-reason.ts'

/**
 * The codes of a WebSocket's close frame. 4000–4499: the client should reconnect. 4500–4999: it should stop,
 * since people have to act. `PROTOCOL.md` §7 lists them.
 */
export const closeCodes = {
  draining: 4000,
  tooSlow: 4001,
  connectionLimit: 4002,
  tokenExpired: 4003,
  authTimeout: 4004,
  unreachable: 4005,
  internal: 4006,
  tooManyMessages: 4007,
  unauthorized: 4501,
  revoked: 4502,
  dismissed: 4503,
  rejected: 4504,
} as const satisfies Record<CloseReason, number>
