import {
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  decodeProtectedHeader,
  errors,
  jwtVerify,
} from 'jose'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { showValue } from '../diagnostics/show-value.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { limitConcurrency } from '../limits/concurrency-limiter.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { type Grant, parseGrant } from './grant.ts'
import { KeySetError } from './key-set-request.ts'
import type { KeySet } from './key-set.ts'
import { TokenError, type TokenFault } from './token-error.ts'
import { tokenRefusal } from './token-refusal.ts'

/** How tokens are verified. */
export interface TokenVerifierOptions {
  readonly issuer: string
  readonly audience: string
  /** JOSE names of the algorithms that are accepted. */
  readonly algorithms: readonly string[]
  readonly clockToleranceS: number
  /**
   * Finds the key for a token's header. Where several fit, rejects with jose's error that iterates over them.
   * Any rejection that is not jose's counts as `unavailable`.
   */
  readonly keys: JWTVerifyGetKey
  /** The key set in which `keys` looks, where the keys may change. */
  readonly keySet?: KeySet | undefined
  /** A longer token is refused unread; 64 KiB by default. */
  readonly longestTokenBytes?: number
  readonly clock?: Clock
}

/** Resolves to the grant of a token, or rejects with a `TokenError`, and nothing else. */
export type TokenVerifier = (token: string) => Promise<Grant>

/**
 * Signatures verified at the same time, so that a storm of tokens does not all end in one turn of the event
 * loop.
 */
const checkedAtOnce = 8
/** Keys that are tried with one token where its header fits several; a signature costs some 100 µs. */
const mostKeysTried = 8

/**
 * Creates the verifier that every token goes through: form, algorithm, key, signature, claims, in this order.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { keySet, longestTokenBytes = 65_536 } = options
  const verify = limitConcurrency(createSignatureVerifier(options), checkedAtOnce)
  return async token => {
    const fault = formFault(token, longestTokenBytes)
    if (fault !== undefined) throw new TokenError('malformed', `token: ${fault}`, { hint: fault })
    try {
      return await (keySet === undefined ? verify(token) : verifyWithRenewal(token, verify, keySet))
    } catch (error) {
      throw error instanceof TokenError ? error : tokenRefusal(error)
    }
  }
}

/**
 * Waits for newer keys outside of the concurrency limit, so as not to hold up tokens whose keys are known.
 */
async function verifyWithRenewal(token: string, verify: TokenVerifier, keySet: KeySet): Promise<Grant> {
  const { version } = keySet
  try {
    return await verify(token)
  } catch (error) {
    if (!mayFitOtherKeys(error)) throw error
    if (!(await rethrowAsUnavailable(() => keySet.renew(version, decodeProtectedHeader(token))))) throw error
    return await verify(token)
  }
}

/** Creates the expensive part: the signature, and then the claims. */
function createSignatureVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { issuer, audience, clockToleranceS, clock = systemClock } = options
  const algorithms = [...options.algorithms]
  const findKey: JWTVerifyGetKey = (header, token) =>
    rethrowAsUnavailable(async () => options.keys(header, token))
  return async token => {
    const nowMs = clock.wall()
    const currentDate = new Date(nowMs)
    const rules = { issuer, audience, algorithms, clockTolerance: clockToleranceS, currentDate }
    const grant = parseGrant(await claimsOf(token, findKey, rules))
    refuseFuture(grant, nowMs + clockToleranceS * 1000)
    return grant
  }
}

async function claimsOf(
  token: string,
  findKey: JWTVerifyGetKey,
  rules: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, findKey, rules)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    return await claimsByAnyKey(error, token, rules)
  }
}

/** During a rotation a key set may have several keys without a `kid`, or with the same one. */
async function claimsByAnyKey(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  rules: JWTVerifyOptions,
): Promise<JWTPayload> {
  let tried = 0
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, rules)).payload
    } catch (error) {
      // A TypeError: the key does not fit the algorithm, such as RSA of 1,024 bits.
      if (!(error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError)) throw error
    }
    if (++tried === mostKeysTried) break
  }
  const message =
    `signature verification failed with each of ${tried} keys that its header fits; a kid of its own for ` +
    'each key tells them apart'
  throw new errors.JWSSignatureVerificationFailed(message)
}

/**
 * A token issued further in the future than clocks may differ would outlive the revocation of its user's
 * tokens.
 */
function refuseFuture({ issuedAtMs = 0 }: Grant, latestMs: number): void {
  const aheadMs = issuedAtMs - latestMs
  if (aheadMs <= 0) return
  const aheadS = Math.ceil(aheadMs / 1000)
  const hint = `"iat" is ${aheadS} s further ahead than clocks may differ; the issuer's clock is fast`
  throw new TokenError('not_yet_valid', `token: ${hint} (TICKER_JWT_CLOCK_TOLERANCE_S)`, { hint })
}

/** jose's errors state which key is missing; any other failure is the source's, not the token's. */
async function rethrowAsUnavailable<Result>(find: () => Promise<Result>): Promise<Result> {
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

/** Whether a token that no known key fits may still be valid. */
function mayFitOtherKeys(error: unknown): boolean {
  if (error instanceof TokenError) return error.cause instanceof KeySetError
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
}

/**
 * The longest header, which is read before the signature is verified. Real headers have some hundred bytes,
 * or some thousand with a chain of certificates.
 */
const longestHeader = 8192

/**
 * A JWS in compact form (RFC 7515 §7.1). The signature may be empty here, so that an unsigned token is
 * refused for its algorithm.
 */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/**
 * Returns the fault in a token's form, in words that do not show the token; `undefined` where it may be read.
 */
function formFault(token: string, longestBytes: number): string | undefined {
  if (token.length > longestBytes) {
    return `${token.length} bytes, more than ${longestBytes}; the issuer has to name fewer symbols, or *`
  }
  if (!compactForm.test(token)) return manglingFault(token) ?? 'not a signed JWT in compact form'
  return token.indexOf('.') > longestHeader ? `a header of more than ${longestHeader} bytes` : undefined
}

/** Recognises how valid tokens are often mangled on their way into a header or a message. */
function manglingFault(token: string): string | undefined {
  if (/^\s|\s$/.test(token)) return 'white space around it'
  if (/^["'`]|["'`]$/.test(token)) return 'quotes around it'
  if (/^Bearer\s/i.test(token))
    return 'begins with "Bearer", which belongs into the Authorization header alone'
  return /\s/.test(token) ? 'white space inside it' : undefined
}

/** The time between two lines of one reason: strangers can have any number of tokens refused. */
const intervalMs = 60_000

/**
 * Wraps a verifier so that it logs refusals: one line a minute for each reason, which states how many it
 * stands for.
 */
export function withRefusalLog(verify: TokenVerifier, log: WarnLog): TokenVerifier {
  const logs = new Map<TokenFault, RateLimitedLog>()
  return async token => {
    try {
      return await verify(token)
    } catch (error) {
      if (error instanceof TokenError) {
        const { reason, message } = error
        const ofReason = logs.get(reason) ?? new RateLimitedLog(log, intervalMs)
        logs.set(reason, ofReason)
        ofReason.warn({ reason, error: message, ...keyHint(token, reason) }, 'a token was refused')
      }
      throw error
    }
  }
}

/** Returns which key the token names, where no key verifies it. */
function keyHint(token: string, reason: TokenFault): { readonly alg?: string; readonly kid?: string } {
  if (reason !== 'key' && reason !== 'signature' && reason !== 'algorithm') return {}
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return { alg: showValue(alg), kid: showValue(kid) }
  } catch {
    return {}
  }
}
