import type { Grant } from '../auth/grant.ts'
import type { Release } from '../limits/ledger.ts'
import type { Delivery } from './delivery.ts'
import type { SessionLimits } from './session-parts.ts'

export interface AuthorityParts {
  readonly grant: Grant
  readonly delivery: Delivery
  /** Gives the session's place back. */
  readonly release: Release
}

/** Under what a session is live: its token, the place that it holds, and what is delivered to it thereby. */
export class Authority {
  readonly delivery: Delivery
  readonly #release: Release
  #grant: Grant
  #isWarned = false

  constructor({ grant, delivery, release }: AuthorityParts) {
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
