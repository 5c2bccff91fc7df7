import { type Clock, type Moment, readClock, systemClock } from '../system/clock.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import type { Grant } from './grant.ts'
import { TokenError } from './token-error.ts'
import type { TokenVerifier } from './token-verifier.ts'
import { ListenerList } from '../system/listener-list.ts'

/**
 * The tokens that a revocation withdraws: those issued to a user (`sub`) up to now, or the one with an id
 * (`jti`).
 */
export type RevokedTokens =
  | { readonly kind: 'sub'; readonly subject: string }
  | { readonly kind: 'jti'; readonly tokenId: string }

export interface RevocationRequest {
  readonly tokens: RevokedTokens
  /**
   * When the revocation ends, in ms since 1970. By default after 24 hours, and later where a token that it
   * covers is presented and is valid for longer. A token that outlives its revocation is valid again.
   */
  readonly untilMs?: number
  /** The operator's reason. */
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

/** The list of revocations is full. None is dropped for another, since its tokens would be valid again. */
export class RevocationsFullError extends TickerError {
  readonly code = 'TICKER_REVOCATIONS_FULL'
}

interface RevocationsOptions {
  /** How many are kept; 10,000 by default. */
  readonly limit?: number
  /** How far the issuer's clock may differ from ours; 5000 by default. */
  readonly toleranceMs?: number
  readonly clock?: Clock
}

const defaultLifetimeMs = 24 * 3_600_000

/** A revocation as it is stored and passed between processes. */
export interface StoredRevocation extends Revocation {
  /** Whether the operator has set the end. */
  readonly hasStatedEnd: boolean
}

/** A revocation that is kept for longer than before. */
interface ExtendedRevocation {
  readonly number: number
  /** Milliseconds since 1970. */
  readonly untilMs: number
}

interface Entry extends StoredRevocation {
  untilMs: number
  /** The end on the steady clock: a wrong wall clock must not make tokens valid again. */
  steadyUntilMs: number
}

/** The tokens that were withdrawn before they expire, in the memory of this process. */
export class Revocations {
  /** Called when a token that outlives its revocation was presented, with the revocation's new end. */
  readonly onExtended = new ListenerList<ExtendedRevocation>()
  readonly #limit: number
  readonly #toleranceMs: number
  readonly #clock: Clock
  /** By the tokens that they withdraw, the oldest first. */
  readonly #entries = new Map<string, Entry>()
  #lastNumber = 0

  constructor({ limit = 10_000, toleranceMs = 5000, clock = systemClock }: RevocationsOptions = {}) {
    this.#limit = limit
    this.#toleranceMs = toleranceMs
    this.#clock = clock
  }

  /** The number of revocations in force. */
  get size(): number {
    this.#forgetPast()
    return this.#entries.size
  }

  /**
   * Withdraws tokens from now on; replaces an earlier revocation of the same tokens. Throws a
   * `RevocationsFullError` where the list is full.
   */
  add({ tokens, untilMs, reason }: RevocationRequest): StoredRevocation {
    const key = keyOf(tokens)
    const former = this.#entries.get(key)
    if (former === undefined && this.size >= this.#limit) {
      throw new RevocationsFullError(
        `${this.#limit} revocations: no more can be kept; lift some, or rotate the issuer's key, which ` +
          'ends every token',
      )
    }
    const sinceMs = this.#clock.wall()
    const entry = {
      number: ++this.#lastNumber,
      tokens,
      sinceMs,
      untilMs: Math.max(untilMs ?? sinceMs + defaultLifetimeMs, former?.untilMs ?? 0),
      hasStatedEnd: untilMs !== undefined,
      ...(reason !== undefined && { reason }),
    }
    this.store(entry)
    return entry
  }

  /**
   * Stores a revocation, such as one that another process has added; replaces an earlier one of the same
   * tokens.
   */
  store(revocation: StoredRevocation): void {
    const key = keyOf(revocation.tokens)
    this.#entries.delete(key)
    this.#entries.set(key, { ...revocation, steadyUntilMs: this.#steadyTimeOf(revocation.untilMs) })
  }

  /** Extends a revocation as another process did; ignores an unknown number. */
  extend(number: number, untilMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.number === number && entry.untilMs < untilMs) this.#extend(entry, untilMs)
    }
  }

  /** Returns those in force, the oldest first, for another process to keep. */
  stored(): StoredRevocation[] {
    this.#forgetPast()
    return [...this.#entries.values()].map(({ steadyUntilMs: _steadyUntilMs, ...revocation }) => revocation)
  }

  /** Removes a revocation. Returns false where there is none of this number. */
  lift(number: number): boolean {
    for (const [key, entry] of this.#entries) if (entry.number === number) return this.#entries.delete(key)
    return false
  }

  /** Returns those in force, the oldest first. */
  list(): Revocation[] {
    this.#forgetPast()
    return [...this.#entries.values()].map(
      ({ hasStatedEnd: _isStated, steadyUntilMs: _steadyUntilMs, ...revocation }) => revocation,
    )
  }

  /**
   * Whether a token is withdrawn. A token of a revoked user that does not state when it was issued counts as
   * issued before. So does one issued within the clock tolerance after the revocation: a fast issuer's
   * earlier token looks the same.
   */
  covers({ subject, tokenId, issuedAtMs = 0, expiresAtMs }: Grant): boolean {
    if (this.#entries.size === 0) return false
    const ofUser = this.#inForce({ kind: 'sub', subject })
    const ofToken = tokenId === undefined ? undefined : this.#inForce({ kind: 'jti', tokenId })
    const issuedMs = issuedAtMs - this.#toleranceMs
    const found = ofToken ?? (ofUser !== undefined && issuedMs <= ofUser.sinceMs ? ofUser : undefined)
    if (found === undefined) return false
    const neededMs = expiresAtMs + longestToleranceMs
    if (!found.hasStatedEnd && found.untilMs < neededMs) {
      this.#extend(found, neededMs)
      this.onExtended.notify({ number: found.number, untilMs: neededMs })
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

/** The longest time for which a token is accepted after its expiry (TICKER_JWT_CLOCK_TOLERANCE_S). */
const longestToleranceMs = 300_000

/** Wraps a verifier so that it refuses withdrawn tokens with a `TokenError` of the reason `revoked`. */
export function withRevocations(verify: TokenVerifier, revocations: Revocations): TokenVerifier {
  return async token => {
    const grant = await verify(token)
    if (revocations.covers(grant)) throw revokedError()
    return grant
  }
}

/** Creates the error for a withdrawn token. */
export function revokedError(): TokenError {
  return new TokenError('revoked', 'token: withdrawn by the operator; the issuer has to make a new one')
}

function keyOf(tokens: RevokedTokens): string {
  return tokens.kind === 'sub' ? `sub ${tokens.subject}` : `jti ${tokens.tokenId}`
}
