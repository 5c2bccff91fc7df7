import { createHash, timingSafeEqual } from 'node:crypto'
import { readBearerToken } from '../auth/bearer-token.ts'
import { isLoopback } from '../system/ip-address.ts'
import { KeyedRateLimiter } from '../limits/rate-limiter.ts'
import type { Secret } from '../diagnostics/secret.ts'
import { AdminFault } from './admin-fault.ts'

/** What a request says of who sends it. */
export interface AdminRequest {
  /** Of the `Host` header, without its port. */
  readonly hostname: string
  readonly origin: string | undefined
  readonly authorization: string | undefined
}

/** Wrong tokens that are compared at once, and then each second. */
const wrongAtOnce = 10
const wrongPerSecond = 1

/** Who may administer: a program of this machine's, no page in a browser, with the token. */
export class AdminGuard {
  readonly #digest: Buffer
  readonly #wrong = new KeyedRateLimiter({
    perSecond: wrongPerSecond,
    burstMs: (1000 * wrongAtOnce) / wrongPerSecond,
  })

  constructor(token: Secret) {
    this.#digest = digestOf(token.reveal())
  }

  /**
   * The refusal of a request; `undefined` where it may pass. `nowMs` is on a clock that only goes on. After too many wrong tokens none
   * is compared for a while, right ones included: what answered them faster would tell them from wrong ones faster.
   */
  refusalOf(request: AdminRequest, nowMs: number): AdminFault | undefined {
    const { hostname, origin } = request
    if (!isLoopback(hostname.replace(/^\[|\]$/g, ''))) {
      return new AdminFault(403, 'Host: expected localhost, 127.0.0.1 or [::1]; a rebound name is refused')
    }
    if (origin !== undefined) return new AdminFault(403, 'Origin: pages in browsers may not administer')
    const authorization = readBearerToken(request.authorization)
    if (authorization.kind === 'unusable') return new AdminFault(401, authorization.fault)
    if (authorization.kind === 'absent') {
      return new AdminFault(401, 'expected the header Authorization: Bearer TOKEN')
    }
    const waitMs = this.#wrong.take('', 1, nowMs)
    if (waitMs > 0) {
      return new AdminFault(429, 'too many wrong tokens; try again later', Math.ceil(waitMs / 1000))
    }
    if (!timingSafeEqual(digestOf(authorization.token), this.#digest)) {
      return new AdminFault(401, 'the token is not that of TICKER_ADMIN_TOKEN')
    }
    this.#wrong.refund('', 1)
    return undefined
  }
}

/** Of one length whatever the token's, as a comparison in constant time needs. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
