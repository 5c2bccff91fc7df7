import type { Grant, Scope } from '../auth/grant.ts'
import { TokenError } from '../auth/token-error.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import {
  type NodeQuotas,
  QuotasUnavailableError,
  type RateClaim,
  type RateKind,
} from '../limits/node-quotas.ts'
import { Refusal, refuseForNow } from './answer.ts'
import { readBearerToken } from '../auth/request-headers.ts'

interface AuthorizationRule {
  readonly verify: TokenVerifier
  /** The scope that the token needs. */
  readonly scope: Scope
}

/**
 * Returns the grant of the token in an `Authorization` header, or the refusal: 401 without a valid token, 403
 * without the scope, 503 while the issuer's keys cannot be read.
 */
export async function authorize(
  header: string | undefined,
  { verify, scope }: AuthorizationRule,
): Promise<Grant | Refusal> {
  const authorization = readBearerToken(header)
  if (authorization.kind === 'unusable') return challenge(authorization.fault)
  if (authorization.kind === 'absent') return challenge('expected the header Authorization: Bearer TOKEN')
  try {
    const grant = await verify(authorization.token)
    return grant.scopes.has(scope) ? grant : new Refusal(403, `the token lacks the scope "${scope}"`)
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    if (error.reason === 'unavailable') return refuseForNow(503, 'the token could not be checked', 1)
    return challenge(error.refusal)
  }
}

/** RFC 6750 §3: the challenge names the scheme. */
function challenge(error: string): Refusal {
  return new Refusal(401, error, { headers: { 'www-authenticate': 'Bearer' } })
}

const refusals: Readonly<Partial<Record<RateKind, string>>> = {
  eventsPerUser: 'too many events a second; try again',
  listsPerUser: 'more than 2 lists a second of one user',
}

/**
 * Reserves what a request uses of its user's rate. Returns the refusal if it is used up, or the quotas are
 * unavailable.
 */
export async function reserveQuota(quotas: NodeQuotas, want: RateClaim): Promise<Refusal | undefined> {
  try {
    const waitMs = await quotas.reserve([want], 0)
    if (waitMs === 0) return undefined
    return refuseForNow(429, refusals[want.kind] ?? 'too many requests; try again', Math.ceil(waitMs / 1000))
  } catch (error) {
    if (!(error instanceof QuotasUnavailableError)) throw error
    return refuseForNow(503, 'the limits of this node cannot be asked for at the moment; try again', 1)
  }
}
