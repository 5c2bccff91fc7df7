import { errors, type JWTPayload } from 'jose'
import { shorten } from '../diagnostics/show-value.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { parseTimes } from './grant.ts'
import { TokenError, type TokenFault } from './token-error.ts'

const faultOfCode: Readonly<Record<string, TokenFault>> = {
  [errors.JWSInvalid.code]: 'malformed',
  [errors.JWTInvalid.code]: 'malformed',
  [errors.JWTExpired.code]: 'expired',
  [errors.JOSEAlgNotAllowed.code]: 'algorithm',
  [errors.JOSENotSupported.code]: 'algorithm',
  [errors.JWSSignatureVerificationFailed.code]: 'signature',
  [errors.JWKSNoMatchingKey.code]: 'key',
}

/** Converts jose's errors. */
export function tokenRefusal(error: unknown): TokenError {
  const message = `token: ${messageOf(error)}`
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    return refusalOfClaim(error)
  }
  if (error instanceof errors.JOSEError) {
    return new TokenError(faultOfCode[error.code] ?? 'malformed', message, { cause: error })
  }
  // A TypeError: the key that was found does not fit the header's algorithm.
  return new TokenError('key', message, { cause: error })
}

/** The signature was valid, so the claim is the issuer's, not a stranger's, and may be shown. */
function refusalOfClaim(error: errors.JWTExpired | errors.JWTClaimValidationFailed): TokenError {
  const { claim, reason, payload } = error
  const found = shorten(JSON.stringify(payload[claim]) ?? 'absent', 200)
  const fault = faultOfClaim(claim, reason)
  if (fault === 'expired' || fault === 'not_yet_valid') {
    // A time in a wrong unit is a fault of its own, neither expired nor in the future.
    const faultOfTimes = timesFaultOf(payload)
    if (faultOfTimes !== undefined) return faultOfTimes
  }
  const hint = fault === 'claims' ? { hint: `${error.message} (${found})` } : {}
  return new TokenError(fault, `token: ${error.message} (${found})`, { cause: error, ...hint })
}

function timesFaultOf(payload: JWTPayload): TokenError | undefined {
  try {
    parseTimes(payload)
    return undefined
  } catch (error) {
    if (error instanceof TokenError) return error
    throw error
  }
}

function faultOfClaim(claim: string, reason: string): TokenFault {
  if (claim === 'aud') return 'audience'
  if (claim === 'iss') return 'issuer'
  if (reason !== 'check_failed') return 'claims'
  if (claim === 'exp') return 'expired'
  return claim === 'nbf' ? 'not_yet_valid' : 'claims'
}
