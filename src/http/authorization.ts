import { readAuthorization } from '../auth/bearer-token.ts'
import type { Grant, Scope } from '../auth/grant.ts'
import { TokenError } from '../auth/token-error.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import { Refusal, refuseForNow } from './answer.ts'

export interface AuthorizationRule {
  readonly verify: TokenVerifier
  /** What the token must be for. */
  readonly scope: Scope
}

/**
 * What the token in an `Authorization` header allows, or the refusal: 401 without a valid token, 403 where it lacks the
 * scope, 503 while the issuer's keys cannot be read.
 */
export async function authorize(
  header: string | undefined,
  { verify, scope }: AuthorizationRule,
): Promise<Grant | Refusal> {
  const authorization = readAuthorization(header)
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
