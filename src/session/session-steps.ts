import type { CloseReason } from './close-code.ts'
import type { ErrorCode } from './error-message.ts'

/** `verifying`: the token is being checked, and nothing is queued meanwhile. */
export type SessionState = 'connected' | 'verifying' | 'live' | 'ended'

export type SessionEvent =
  | 'auth'
  | 'request'
  | 'granted'
  | 'refused'
  | 'full'
  | 'deadline'
  | 'congested'
  | 'expired'
  | 'drained'
  | 'failed'
  | 'silent'
  | 'noisy'
  | 'gone'

/** Where an event leads: to a state, with an error for the client, with the end of the connection. */
export interface Step {
  readonly to: SessionState
  readonly error?: ErrorCode
  readonly close?: CloseReason
}

const ended: Step = { to: 'ended' }
const stayEnded = {
  auth: ended,
  request: ended,
  granted: ended,
  refused: ended,
  full: ended,
  deadline: ended,
  congested: ended,
  expired: ended,
  drained: ended,
  failed: ended,
  silent: ended,
  noisy: ended,
  gone: ended,
} as const satisfies Record<SessionEvent, Step>

/** What ends a session of any state in the same way. */
const endings = {
  ...stayEnded,
  congested: { to: 'ended', error: 407, close: 'tooSlow' },
  drained: { to: 'ended', close: 'draining' },
  failed: { to: 'ended', error: 500, close: 'internal' },
  silent: { to: 'ended', close: 'unreachable' },
  noisy: { to: 'ended', error: 402, close: 'unauthorized' },
} as const satisfies Record<SessionEvent, Step>

/** The whole life of a session: a cell for every event in every state (`PROTOCOL.md` §2). */
export const steps: Record<SessionState, Record<SessionEvent, Step>> = {
  connected: {
    ...endings,
    auth: { to: 'verifying' },
    request: { to: 'connected', error: 401 },
    granted: { to: 'connected' },
    refused: { to: 'connected' },
    full: { to: 'connected' },
    deadline: { to: 'ended', error: 404, close: 'authTimeout' },
    expired: { to: 'connected' },
  },
  verifying: {
    ...endings,
    auth: { to: 'verifying', error: 401 },
    request: { to: 'verifying', error: 401 },
    granted: { to: 'live' },
    refused: { to: 'ended', error: 402, close: 'unauthorized' },
    full: { to: 'ended', error: 406, close: 'connectionLimit' },
    deadline: { to: 'ended', error: 404, close: 'authTimeout' },
    expired: { to: 'verifying' },
  },
  live: {
    ...endings,
    auth: { to: 'live', error: 403 },
    request: { to: 'live' },
    granted: { to: 'live' },
    refused: { to: 'live' },
    full: { to: 'live' },
    deadline: { to: 'live' },
    expired: { to: 'ended', error: 401, close: 'tokenExpired' },
  },
  ended: stayEnded,
}
