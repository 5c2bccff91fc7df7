import { type TokenFault, tokenFaults } from '../auth/token-error.ts'
import { type CloseReason, closeReasons } from './close-code.ts'
import { type ErrorCode, errorCodes } from './error-message.ts'
import type { SessionState } from './session-steps.ts'

/** Plain counters of all sessions of this node, read when metrics are collected. */
export interface SessionCounts {
  /** Sessions that are in each state now. */
  readonly states: Record<SessionState, number>
  /** Errors told to clients since start, by code. */
  readonly errors: Record<ErrorCode, number>
  /** Tokens refused since start, by what was wrong with them. */
  readonly tokens: Record<TokenFault, number>
  /** Sessions that went on with a further token, since start. */
  renewals: number
  /** Connections closed by the gateway since start, by reason. */
  readonly closes: Record<CloseReason, number>
}

export function createSessionCounts(): SessionCounts {
  return {
    states: { connected: 0, verifying: 0, live: 0, renewing: 0, ended: 0 },
    errors: zeroOf(errorCodes),
    tokens: zeroOf(tokenFaults),
    renewals: 0,
    closes: zeroOf(closeReasons),
  }
}

function zeroOf<Name extends string | number>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>
}
