import type { CloseReason } from '../protocol/close-reason.ts'
import type { ErrorCode } from '../protocol/request-fault.ts'

/**
 * `verifying`: the token is being checked, and nothing is queued meanwhile. `renewing`: the session is live,
 * and a further token is being checked.
 */
export const sessionStates = ['connected', 'verifying', 'live', 'renewing', 'ended'] as const
export type SessionState = (typeof sessionStates)[number]

export type SessionEvent =
  | 'auth'
  | 'request'
  | 'granted'
  | 'refused'
  | 'unentitled'
  | 'unchecked'
  | 'full'
  | 'deadline'
  | 'congested'
  | 'expired'
  | 'revoked'
  | 'dismissed'
  | 'flooded'
  | 'drained'
  | 'failed'
  | 'silent'
  | 'noisy'
  | 'rejected'
  | 'gone'

/**
 * Where an event leads, the error that the client is sent, and the reason for which the connection is closed.
 */
export interface SessionStep {
  readonly to: SessionState
  /** `given`: the code of the fault. */
  readonly error?: ErrorCode | 'given'
  readonly close?: CloseReason
}

const ended: SessionStep = { to: 'ended' }
const stayEnded = {
  auth: ended,
  request: ended,
  granted: ended,
  refused: ended,
  unentitled: ended,
  unchecked: ended,
  full: ended,
  deadline: ended,
  congested: ended,
  expired: ended,
  revoked: ended,
  dismissed: ended,
  flooded: ended,
  drained: ended,
  failed: ended,
  silent: ended,
  noisy: ended,
  rejected: ended,
  gone: ended,
} as const satisfies Record<SessionEvent, SessionStep>

/** Events that end a session of any state in the same way. */
const endings = {
  ...stayEnded,
  congested: { to: 'ended', error: 407, close: 'tooSlow' },
  dismissed: { to: 'ended', close: 'dismissed' },
  flooded: { to: 'ended', error: 429, close: 'tooManyMessages' },
  drained: { to: 'ended', close: 'draining' },
  failed: { to: 'ended', error: 500, close: 'internal' },
  silent: { to: 'ended', close: 'unreachable' },
  noisy: { to: 'ended', error: 402, close: 'unauthorized' },
  rejected: { to: 'ended', error: 'given', close: 'rejected' },
} as const satisfies Record<SessionEvent, SessionStep>

/** Events that end a session which has a token. */
const tokenEndings = {
  expired: { to: 'ended', error: 401, close: 'tokenExpired' },
  revoked: { to: 'ended', error: 401, close: 'revoked' },
} as const satisfies Partial<Record<SessionEvent, SessionStep>>

/** Also for a live session that resumes: the node may have no memory for what it missed. */
const noSlot = { to: 'ended', error: 406, close: 'connectionLimit' } as const satisfies SessionStep

/** The whole life of a session: a cell for every event in every state (`PROTOCOL.md` §2). */
export const sessionSteps: Record<SessionState, Record<SessionEvent, SessionStep>> = {
  connected: {
    ...endings,
    auth: { to: 'verifying' },
    request: { to: 'connected', error: 401 },
    granted: { to: 'connected' },
    refused: { to: 'connected' },
    unentitled: { to: 'connected' },
    unchecked: { to: 'connected' },
    full: { to: 'connected' },
    deadline: { to: 'ended', error: 404, close: 'authTimeout' },
    expired: { to: 'connected' },
    revoked: { to: 'connected' },
  },
  verifying: {
    ...endings,
    auth: { to: 'verifying', error: 401 },
    request: { to: 'verifying', error: 401 },
    granted: { to: 'live' },
    refused: { to: 'ended', error: 402, close: 'unauthorized' },
    unentitled: { to: 'ended', error: 409, close: 'unauthorized' },
    unchecked: { to: 'ended', error: 500, close: 'internal' },
    full: noSlot,
    deadline: { to: 'ended', error: 404, close: 'authTimeout' },
    expired: { to: 'verifying' },
    revoked: { to: 'verifying' },
  },
  live: {
    ...endings,
    ...tokenEndings,
    auth: { to: 'renewing' },
    request: { to: 'live' },
    granted: { to: 'live' },
    refused: { to: 'live' },
    unentitled: { to: 'live' },
    unchecked: { to: 'live' },
    full: noSlot,
    deadline: { to: 'live' },
  },
  renewing: {
    ...endings,
    ...tokenEndings,
    auth: { to: 'renewing', error: 403 },
    request: { to: 'renewing' },
    granted: { to: 'live' },
    refused: { to: 'live', error: 402 },
    unentitled: { to: 'live', error: 409 },
    unchecked: { to: 'live', error: 500 },
    full: noSlot,
    deadline: { to: 'renewing' },
  },
  ended: stayEnded,
}

interface SessionEnd {
  readonly event: SessionEvent
  /** For the client, where it is sent an error. */
  readonly detail: string
}

/** The causes outside of a session that end it. */
export const sessionEnds = {
  /** This node leaves. */
  drain: { event: 'drained', detail: '' },
  /** The operator ends it. */
  dismissal: { event: 'dismissed', detail: '' },
  /** Its token was withdrawn. */
  revocation: { event: 'revoked', detail: 'the token was withdrawn by the operator' },
  /** The node is nearly out of memory, and much of what the client was sent is unread. */
  relief: {
    event: 'congested',
    detail:
      'this node is nearly out of memory, and much of what you were sent is unread; ' +
      'reconnect with your cursor',
  },
  /** The peer has not answered a ping. */
  silence: { event: 'silent', detail: '' },
  /** The connection is gone, whoever ended it. */
  loss: { event: 'gone', detail: '' },
} as const satisfies Record<string, SessionEnd>

export type SessionEndCause = keyof typeof sessionEnds
