import { type Grant, lackForFeed } from '../auth/grant.ts'
import { revokedError } from '../auth/revocations.ts'
import { TokenError } from '../auth/token-error.ts'
import type { Release } from '../limits/ledger.ts'
import type { PlaceLack } from './places.ts'
import type { SessionLimits, SessionParts } from './session-parts.ts'

/** A token to be checked for a session. */
export interface TokenRequest {
  readonly token: string
  /** What the session is live under, if it is. */
  readonly former: Grant | undefined
  /** When there has to be a good one, on the steady clock. */
  readonly dueMs: number
}

/** What comes of a token: a place and what it allows, what it allows from now on, or the event that it is for the session. */
export type TokenOutcome =
  | { readonly kind: 'entered'; readonly grant: Grant; readonly release: Release }
  | { readonly kind: 'renewed'; readonly grant: Grant }
  | { readonly kind: 'refused' | 'unchecked' | 'full'; readonly detail: string }

/** Nobody waits longer for the turn of a session. */
const longestWaitMs = 5000

/** Checks a token, and claims a place for a session that has none. Rejects for faults of ours only. */
export async function checkToken(parts: SessionParts, request: TokenRequest): Promise<TokenOutcome> {
  try {
    const grant = await parts.verify(request.token)
    const lack = lackForFeed(grant, 'live') ?? lackForSession(grant, request.former)
    if (lack !== undefined) return { kind: 'refused', detail: lack }
    if (request.former === undefined) return await enter(parts, grant, request.dueMs)
    if (parts.isRevoked(grant)) return refuse(parts, revokedError())
    return { kind: 'renewed', grant }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    return refuse(parts, error)
  }
}

function lackForSession({ subject }: Grant, former: Grant | undefined): string | undefined {
  if (former === undefined || former.subject === subject) return undefined
  return 'the token is for another "sub"; connect anew to change the user'
}

/** The wait for a place may take seconds, in which the token can be withdrawn. */
async function enter(parts: SessionParts, grant: Grant, dueMs: number): Promise<TokenOutcome> {
  const { clock, places, limits } = parts
  const mostMs = Math.max(0, Math.min(longestWaitMs, dueMs - clock.steady()))
  const place = await places.claim(grant.subject, mostMs)
  if ('lack' in place) return { kind: 'full', detail: fullDetail(place.lack, limits) }
  if (!parts.isRevoked(grant)) return { kind: 'entered', grant, release: place.release }
  place.release()
  return refuse(parts, revokedError())
}

function refuse({ counts }: SessionParts, error: TokenError): TokenOutcome {
  counts.tokens[error.reason]++
  if (error.reason === 'unavailable') {
    return { kind: 'unchecked', detail: 'the token could not be checked; try again later' }
  }
  return { kind: 'refused', detail: error.refusal }
}

function fullDetail(lack: PlaceLack, limits: SessionLimits): string {
  const { maxSessions, maxSessionsPerUser, sessionsPerUserPerSecond } = limits
  const details: Readonly<Record<PlaceLack, string>> = {
    node: `this node has all of its ${maxSessions} sessions; reconnect later`,
    user: `this user has all of its ${maxSessionsPerUser} sessions; end one, or reconnect later`,
    silence: 'the limits of this node cannot be asked for at the moment; reconnect later',
    rate: `this user begins more than ${sessionsPerUserPerSecond} sessions a second; reconnect later, with a growing, jittered delay`,
    memory: 'this node is short of memory; reconnect to another one, or after a while',
  }
  return details[lack]
}
