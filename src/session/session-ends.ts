import type { SessionEvent } from './session-steps.ts'

interface SessionEnd {
  readonly event: SessionEvent
  /** What the client is told, where it is told anything. */
  readonly detail: string
}

/** What ends a session from outside. */
export const sessionEnds = {
  /** This node closes. */
  drain: { event: 'drained', detail: '' },
  /** The operator does not want it. */
  dismissal: { event: 'dismissed', detail: '' },
  /** Its token was withdrawn. */
  revocation: { event: 'revoked', detail: 'the token was withdrawn by the operator' },
  /** The node is nearly out of memory, and its client has not taken much of what it was sent. */
  relief: {
    event: 'congested',
    detail:
      'this node is nearly out of memory, and much of what you were sent is unread; reconnect with your cursor',
  },
  /** The peer has not answered a ping. */
  silence: { event: 'silent', detail: '' },
  /** The connection is gone, whoever ended it. */
  loss: { event: 'gone', detail: '' },
} as const satisfies Record<string, SessionEnd>

export type SessionEndCause = keyof typeof sessionEnds
