import { type Clock, type Moment, readClock, systemClock } from '../system/clock.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { Grant } from './grant.ts'
import { TokenError } from './token-error.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Whose tokens are withdrawn: those that a user (`sub`) has been issued up to now, or the one with an id (`jti`). */
export type RevokedTokens =
  | { readonly kind: 'sub'; readonly subject: string }
  | { readonly kind: 'jti'; readonly tokenId: string }

export interface RevocationRequest {
  readonly tokens: RevokedTokens
  /**
   * Until when it is kept, in ms since 1970. Left out: for 24 hours, and longer where a token that it covers is presented and is
   * valid for longer. A token that outlives its revocation is good again.
   */
  readonly untilMs?: number
  /** Why, in the operator's words. */
  readonly reason?: string
}

/** A revocation that is in force. */
export interface Revocation {
  /** Unique in this process. */
  readonly number: number
  readonly tokens: RevokedTokens
  /** Milliseconds since 1970. */
  readonly sinceMs: number
  readonly untilMs: number
  readonly reason?: string
}

/** All places for revocations are taken: none is dropped for another, since its tokens would be good again. */
export class RevocationsFullError extends TickerError {
  readonly code = 'TICKER_REVOCATIONS_FULL'
}

export interface RevocationsOptions {
  /** How many are kept; 10,000 if left out. */
  readonly limit?: number
  /** How far the issuer's clock may be from ours; 5000 if left out. */
  readonly toleranceMs?: number
  readonly clock?: Clock
}

const defaultLifetimeMs = 24 * 3_600_000

/** A revocation as it is kept. */
export interface KeptRevocation extends Revocation {
  /** Whether the operator has said until when. */
  readonly isStated: boolean
}

interface Entry extends KeptRevocation {
  untilMs: number
  /** Until when it is kept on the steady clock, too: while the other is wrong, no token is to be good again. */
  steadyUntilMs: number
}

/** The tokens that are withdrawn before they expire, in the memory of this process. */
export class Revocations {
  /** Told when a token that lives longer than its revocation was shown, and until when that is kept now. */
  onExtended: (number: number, untilMs: number) => void = () => undefined
  readonly #limit: number
  readonly #toleranceMs: number
  readonly #clock: Clock
  /** By what they withdraw, the oldest first. */
  readonly #entries = new Map<string, Entry>()
  #lastNumber = 0

  constructor({ limit = 10_000, toleranceMs = 5000, clock = systemClock }: RevocationsOptions = {}) {
    this.#limit = limit
    this.#toleranceMs = toleranceMs
    this.#clock = clock
  }

  /** How many are in force. */
  get size(): number {
    this.#forgetPast()
    return this.#entries.size
  }

  /**
   * Withdraws tokens from now on, in place of an earlier revocation of the same. Throws a `RevocationsFullError` where as many are
   * kept as may be.
   */
  add({ tokens, untilMs, reason }: RevocationRequest): KeptRevocation {
    const key = keyOf(tokens)
    const former = this.#entries.get(key)
    if (former === undefined && this.size >= this.#limit) {
      throw new RevocationsFullError(
        `${this.#limit} revocations: no more can be kept; lift some, or rotate the issuer's key, which ends every token`,
      )
    }
    const sinceMs = this.#clock.wall()
    const entry = {
      number: ++this.#lastNumber,
      tokens,
      sinceMs,
      untilMs: Math.max(untilMs ?? sinceMs + defaultLifetimeMs, former?.untilMs ?? 0),
      isStated: untilMs !== undefined,
      ...(reason !== undefined && { reason }),
    }
    this.keep(entry)
    return entry
  }

  /** Keeps a revocation, such as another process has added, in place of an earlier one of the same. */
  keep(revocation: KeptRevocation): void {
    const key = keyOf(revocation.tokens)
    this.#entries.delete(key)
    this.#entries.set(key, { ...revocation, steadyUntilMs: this.#steadyTimeOf(revocation.untilMs) })
  }

  /** Keeps one for longer, as another process does; one of no such number is none of ours any more. */
  extend(number: number, untilMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.number === number && entry.untilMs < untilMs) this.#extend(entry, untilMs)
    }
  }

  /** Those in force, the oldest first, for another process to keep. */
  kept(): KeptRevocation[] {
    this.#forgetPast()
    return [...this.#entries.values()].map(({ steadyUntilMs: _steadyUntilMs, ...revocation }) => revocation)
  }

  /** Takes a revocation back; false where there is none of this number. */
  lift(number: number): boolean {
    for (const [key, entry] of this.#entries) if (entry.number === number) return this.#entries.delete(key)
    return false
  }

  /** Those in force, the oldest first. */
  list(): Revocation[] {
    this.#forgetPast()
    return [...this.#entries.values()].map(
      ({ isStated: _isStated, steadyUntilMs: _steadyUntilMs, ...revocation }) => revocation,
    )
  }

  /**
   * Whether a token is withdrawn. One of the user's that does not say when it was issued counts as issued before; so does one that says
   * a time after the revocation by which clocks may differ: a fast issuer's token from before it looks the same.
   */
  covers({ subject, tokenId, issuedAtMs = 0, expiresAtMs }: Grant): boolean {
    if (this.#entries.size === 0) return false
    const ofUser = this.#inForce({ kind: 'sub', subject })
    const ofToken = tokenId === undefined ? undefined : this.#inForce({ kind: 'jti', tokenId })
    const issuedMs = issuedAtMs - this.#toleranceMs
    const found = ofToken ?? (ofUser !== undefined && issuedMs <= ofUser.sinceMs ? ofUser : undefined)
    if (found === undefined) return false
    const neededMs = expiresAtMs + longestToleranceMs
    if (!found.isStated && found.untilMs < neededMs) {
      this.#extend(found, neededMs)
      this.onExtended(found.number, neededMs)
    }
    return true
  }

  #inForce(tokens: RevokedTokens): Entry | undefined {
    const entry = this.#entries.get(keyOf(tokens))
    return entry !== undefined && this.#isInForce(entry, readClock(this.#clock)) ? entry : undefined
  }

  #forgetPast(): void {
    const now = readClock(this.#clock)
    for (const [key, entry] of this.#entries) if (!this.#isInForce(entry, now)) this.#entries.delete(key)
  }

  #isInForce({ untilMs, steadyUntilMs }: Entry, { wallMs, steadyMs }: Moment): boolean {
    return wallMs < untilMs || steadyMs < steadyUntilMs
  }

  #extend(entry: Entry, untilMs: number): void {
    entry.untilMs = untilMs
    entry.steadyUntilMs = this.#steadyTimeOf(untilMs)
  }

  #steadyTimeOf(untilMs: number): number {
    const { wallMs, steadyMs } = readClock(this.#clock)
    return steadyMs + untilMs - wallMs
  }
}

/** A token is taken for so long after its expiry at most (TICKER_JWT_CLOCK_TOLERANCE_S). */
const longestToleranceMs = 300_000

/** The check of tokens that also refuses those withdrawn, with a `TokenError` of the reason `revoked`. */
export function withRevocations(verify: TokenVerifier, revocations: Revocations): TokenVerifier {
  return async token => {
    const grant = await verify(token)
    if (revocations.covers(grant)) throw revokedError()
    return grant
  }
}

/** What refuses a token that was withdrawn. */
export function revokedError(): TokenError {
  return new TokenError('revoked', 'token: withdrawn by the operator; the issuer has to make a new one')
}

function keyOf(tokens: RevokedTokens): string {
  return tokens.kind === 'sub' ? `sub ${tokens.subject}` : `jti ${tokens.tokenId}`
}
