import { decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { turnstile } from '../limits/turnstile.ts'
import { messageOf } from '../ticker-error.ts'
import { type Grant, parseGrant } from './grant.ts'
import type { KeyHint } from './key-set.ts'
import { TokenError, type TokenFault } from './token-error.ts'

/** How tokens are checked. */
export interface AuthOptions {
  readonly issuer: string
  readonly audience: string
  /** JOSE names; nothing else is accepted. */
  readonly algorithms: readonly string[]
  readonly clockToleranceS: number
  /** The key for a token's header; a rejection that is not jose's counts as `unavailable`. */
  readonly keys: JWTVerifyGetKey
  /** Waits until the key that a token names is at hand; rejects like `keys`. Where absent, all keys always are. */
  readonly prepare?: ((hint: KeyHint) => Promise<void>) | undefined
  /** Milliseconds since 1970; `Date.now` where absent. */
  readonly now?: () => number
}

/** Resolves with what a token allows, or rejects with a `TokenError`, and nothing else. */
export type TokenVerifier = (token: string) => Promise<Grant>

/** A longer token is refused unread. */
export const longestTokenBytes = 8192

/** Signatures checked at a time, so that the ends of a storm of tokens do not come all in one turn of the event loop. */
const checkedAtOnce = 8

/**
 * A JWS in compact form (RFC 7515 §7.1). The signature may be empty here, so that an unsigned token is refused for its
 * algorithm.
 */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** Creates the one check that every token goes through: form, algorithm, key, signature, claims, in this order. */
export function createTokenVerifier(options: AuthOptions): TokenVerifier {
  const check = turnstile(createCheck(options), checkedAtOnce)
  const { prepare } = options
  return async token => {
    if (token.length > longestTokenBytes) {
      throw new TokenError(
        'malformed',
        `token: longer than ${longestTokenBytes} bytes; ask for fewer names or *`,
      )
    }
    if (!compactForm.test(token)) throw new TokenError('malformed', 'token: not a signed JWT in compact form')
    try {
      if (prepare !== undefined) await prepareFor(token, { ...options, prepare })
      return await check(token)
    } catch (error) {
      throw error instanceof TokenError ? error : refusalOf(error)
    }
  }
}

/** The part that costs: the signature, and then the claims. */
function createCheck(options: AuthOptions): TokenVerifier {
  const { issuer, audience, clockToleranceS, now = Date.now } = options
  const algorithms = [...options.algorithms]
  const findKey: JWTVerifyGetKey = (header, token) => orUnavailable(async () => options.keys(header, token))
  return async token => {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceS,
      currentDate: new Date(now()),
    })
    return parseGrant(payload)
  }
}

/** Outside of the turnstile: who waits here for the issuer must not hold up those whose keys are at hand. */
async function prepareFor(
  token: string,
  { prepare, algorithms }: AuthOptions & { readonly prepare: (hint: KeyHint) => Promise<void> },
): Promise<void> {
  const hint = readHeader(token)
  // What is wrong with another header is found by the check.
  if (hint === undefined || !algorithms.includes(hint.alg ?? '')) return
  await orUnavailable(() => prepare(hint))
}

function readHeader(token: string): ReturnType<typeof decodeProtectedHeader> | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

/** jose's errors say which key is missing; whatever else goes wrong is the source's, not the token's. */
async function orUnavailable<Result>(find: () => Promise<Result>): Promise<Result> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof errors.JOSEError && keyFaults.has(error.code)) throw error
    const message = `token: the keys cannot be read (${messageOf(error)}); is the issuer up?`
    throw new TokenError('unavailable', message, { cause: error })
  }
}

const keyFaults: ReadonlySet<string> = new Set([
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JOSENotSupported.code,
])

const faultOfCode: Readonly<Record<string, TokenFault>> = {
  [errors.JWSInvalid.code]: 'malformed',
  [errors.JWTInvalid.code]: 'malformed',
  [errors.JWTExpired.code]: 'expired',
  [errors.JOSEAlgNotAllowed.code]: 'algorithm',
  [errors.JOSENotSupported.code]: 'algorithm',
  [errors.JWSSignatureVerificationFailed.code]: 'signature',
  [errors.JWKSNoMatchingKey.code]: 'key',
  [errors.JWKSMultipleMatchingKeys.code]: 'key',
}

function refusalOf(error: unknown): TokenError {
  const message = `token: ${messageOf(error)}`
  if (error instanceof errors.JWTClaimValidationFailed) {
    // The signature was good, so the claim is the issuer's, not a stranger's.
    const found = JSON.stringify(error.payload[error.claim])?.slice(0, 200) ?? 'absent'
    return new TokenError(faultOfClaim(error.claim, error.reason), `${message} (${found})`, { cause: error })
  }
  if (error instanceof errors.JOSEError) {
    return new TokenError(faultOfCode[error.code] ?? 'malformed', message, { cause: error })
  }
  // A TypeError: the key that was found is not one for the header's algorithm.
  return new TokenError('key', message, { cause: error })
}

function faultOfClaim(claim: string, reason: string): TokenFault {
  if (claim === 'aud') return 'audience'
  if (claim === 'iss') return 'issuer'
  return claim === 'nbf' && reason === 'check_failed' ? 'not_yet_valid' : 'claims'
}
