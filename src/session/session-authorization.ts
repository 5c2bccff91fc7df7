import { type Grant, missingForFeed, missingForStream } from '../auth/grant.ts'
import { revokedError } from '../auth/revocations.ts'
import { TokenError } from '../auth/token-error.ts'
import type { Release } from '../limits/node-quotas.ts'
import type { RequestFault } from '../protocol/request-fault.ts'
import type { Delivery } from './delivery/delivery.ts'
import type { SlotRefusal } from './session-admission.ts'
import type { SessionContext, SessionLimits } from './session-context.ts'

interface SessionAuthorizationOptions {
  readonly grant: Grant
  readonly delivery: Delivery
  /** Releases the session's slot. */
  readonly release: Release
}

/** What a session has once its token was verified: the grant, its slot on the node, and its delivery. */
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

  /** Goes on under another token. What that does not allow is delivered until `delivery` is told. */
  renew(grant: Grant): void {
    this.#grant = grant
    this.#isWarned = false
  }

  /** Returns what the expiry means at a time (ms since 1970): `expiring` only once, then `expired`. */
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
export interface AuthorizationRequest {
  readonly token: string
  /** The grant that the session is live under, if it is. */
  readonly former: Grant | undefined
  /** When a session has to be authenticated, on the steady clock. */
  readonly dueMs: number
}

/** What a token brings: a grant and a slot, a grant to go on under, or an event of the session. */
export type TokenOutcome =
  | { readonly kind: 'entered'; readonly grant: Grant; readonly release: Release }
  | { readonly kind: 'renewed'; readonly grant: Grant }
  | {
      readonly kind: 'refused' | 'unentitled' | 'unchecked' | 'full'
      readonly detail: string
      readonly cause?: RequestFault['cause']
    }

/** The longest wait for a session's turn. */
const maxWaitMs = 5000

/** Checks a token, and claims a slot for a session that has none. Rejects only for a fault of the gateway. */
export async function authorizeSession(
  context: SessionContext,
  request: AuthorizationRequest,
): Promise<TokenOutcome> {
  try {
    const grant = await context.verify(request.token)
    const missingScope = missingForStream(grant)
    if (missingScope !== undefined) return { kind: 'refused', detail: missingScope, cause: 'scope' }
    const missing = missingForSession(grant, request.former)
    if (missing !== undefined) return { kind: 'refused', detail: missing }
    const missingFeed = missingForFeed(grant, context.feed.name)
    if (missingFeed !== undefined) return { kind: 'unentitled', detail: missingFeed }
    if (request.former === undefined) return await enter(context, grant, request.dueMs)
    if (context.isRevoked(grant)) return refuse(context, revokedError())
    return { kind: 'renewed', grant }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    return refuse(context, error)
  }
}

function missingForSession({ subject }: Grant, former: Grant | undefined): string | undefined {
  if (former === undefined || former.subject === subject) return undefined
  return 'the token is for another "sub"; connect anew to change the user'
}

async function enter(context: SessionContext, grant: Grant, dueMs: number): Promise<TokenOutcome> {
  const { clock, admission, limits } = context
  const mostMs = Math.max(0, Math.min(maxWaitMs, dueMs - clock.steady()))
  const slot = await admission.claim(grant.subject, mostMs)
  if ('refusal' in slot) {
    const isOfUser = slot.refusal === 'user' || slot.refusal === 'rate'
    const detail = describeRefusal(slot.refusal, limits)
    return { kind: 'full', detail, ...(isOfUser ? { cause: 'share' } : {}) }
  }
  // The wait may have taken seconds, in which the token was withdrawn.
  if (!context.isRevoked(grant)) return { kind: 'entered', grant, release: slot.release }
  slot.release()
  return refuse(context, revokedError())
}

function refuse({ counts }: SessionContext, error: TokenError): TokenOutcome {
  counts.tokens[error.reason]++
  if (error.reason === 'unavailable') {
    return { kind: 'unchecked', detail: 'the token could not be checked; try again later', cause: 'outage' }
  }
  return { kind: 'refused', detail: error.refusal }
}

function describeRefusal(refusal: SlotRefusal, limits: SessionLimits): string {
  const { maxSessions, maxSessionsPerUser, sessionsPerUserPerSecond } = limits
  const details: Readonly<Record<SlotRefusal, string>> = {
    node: `this node has all of its ${maxSessions} sessions; reconnect later`,
    user: `this user has all of its ${maxSessionsPerUser} sessions; end one, or reconnect later`,
    silence: 'the limits of this node cannot be asked for at the moment; reconnect later',
    rate:
      `this user begins more than ${sessionsPerUserPerSecond} sessions a second; reconnect later, ` +
      'with a growing, jittered delay',
    memory: 'this node is short of memory; reconnect to another one, or after a while',
  }
  return details[refusal]
}
