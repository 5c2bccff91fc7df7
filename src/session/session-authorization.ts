import { type Grant, missingForFeed } from '../auth/grant.ts'
import { revokedError } from '../auth/revocations.ts'
import { TokenError } from '../auth/token-error.ts'
import type { Release } from '../limits/node-quotas.ts'
import type { Delivery } from './delivery/delivery.ts'
import type { SlotRefusal } from './session-admission.ts'
import type { SessionContext, SessionLimits } from './session-context.ts'

interface SessionAuthorizationOptions {
  readonly grant: Grant
  readonly delivery: Delivery
  /** Gives the session's place back. */
  readonly release: Release
}

/** Under what a session is live: its token, the place that it holds, and what is delivered to it thereby. */
export class SessionAuthorization {
  readonly delivery: Delivery
  readonly #release: Release
  #grant: Grant
  #isWarned = false

  constructor({ grant, delivery, release }: SessionAuthorizationOptions) {
    this.#grant = grant
    this.delivery = delivery
    this.#release = release
  }

  get grant(): Grant {
    return this.#grant
  }

  /** Goes on under another token; what it does not entitle to is delivered until `delivery` is told. */
  renew(grant: Grant): void {
    this.#grant = grant
    this.#isWarned = false
  }

  /** What its expiry means at a time (ms since 1970): `expiring`, told once, then `expired`. */
  expiryAt(nowMs: number, limits: SessionLimits): 'expiring' | 'expired' | undefined {
    const { expiresAtMs } = this.#grant
    if (nowMs >= expiresAtMs + limits.clockToleranceMs) return 'expired'
    if (this.#isWarned || nowMs < expiresAtMs - limits.expiryWarningMs) return undefined
    this.#isWarned = true
    return 'expiring'
  }

  end(): void {
    this.delivery.end()
    this.#release()
  }
}

/** A token to be checked for a session. */
interface TokenCheckRequest {
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
export async function checkToken(parts: SessionContext, request: TokenCheckRequest): Promise<TokenOutcome> {
  try {
    const grant = await parts.verify(request.token)
    const lack = missingForFeed(grant, 'live') ?? lackForSession(grant, request.former)
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
async function enter(parts: SessionContext, grant: Grant, dueMs: number): Promise<TokenOutcome> {
  const { clock, admission, limits } = parts
  const mostMs = Math.max(0, Math.min(longestWaitMs, dueMs - clock.steady()))
  const place = await admission.claim(grant.subject, mostMs)
  if ('lack' in place) return { kind: 'full', detail: fullDetail(place.lack, limits) }
  if (!parts.isRevoked(grant)) return { kind: 'entered', grant, release: place.release }
  place.release()
  return refuse(parts, revokedError())
}

function refuse({ counts }: SessionContext, error: TokenError): TokenOutcome {
  counts.tokens[error.reason]++
  if (error.reason === 'unavailable') {
    return { kind: 'unchecked', detail: 'the token could not be checked; try again later' }
  }
  return { kind: 'refused', detail: error.refusal }
}

function fullDetail(lack: SlotRefusal, limits: SessionLimits): string {
  const { maxSessions, maxSessionsPerUser, sessionsPerUserPerSecond } = limits
  const details: Readonly<Record<SlotRefusal, string>> = {
    node: `this node has all of its ${maxSessions} sessions; reconnect later`,
    user: `this user has all of its ${maxSessionsPerUser} sessions; end one, or reconnect later`,
    silence: 'the limits of this node cannot be asked for at the moment; reconnect later',
    rate: `this user begins more than ${sessionsPerUserPerSecond} sessions a second; reconnect later, with a growing, jittered delay`,
    memory: 'this node is short of memory; reconnect to another one, or after a while',
  }
  return details[lack]
}
