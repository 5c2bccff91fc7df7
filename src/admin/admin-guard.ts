import { createHash, timingSafeEqual } from 'node:crypto'
import { isLoopback } from '../system/ip-address.ts'
import { KeyedRateLimiter } from '../limits/rate-limiter.ts'
import type { Secret } from '../diagnostics/secret.ts'
import { AdminFault } from './admin-fault.ts'
import { readBearerToken } from '../auth/request-headers.ts'

/** The headers of a request that identify its sender. */
export interface AdminRequest {
  /** Of the `Host` header, without its port. */
  readonly hostname: string
  readonly origin: string | undefined
  readonly authorization: string | undefined
}

/** Wrong tokens that are compared in a burst, and then each second. */
const wrongBurst = 10
const wrongPerSecond = 1

/** Admits programs on this machine that have the token, and no pages in browsers. */
export class AdminGuard {
  readonly #digest: Buffer
  readonly #wrong = new KeyedRateLimiter({
    perSecond: wrongPerSecond,
    burstMs: (1000 * wrongBurst) / wrongPerSecond,
  })

  constructor(token: Secret) {
    this.#digest = digestOf(token.reveal())
  }

  /**
   * Returns the refusal of a request, or `undefined` to admit it. `nowMs` is on the steady clock. After too
   * many wrong tokens none is compared for a while, not even the right one: otherwise guessing could go on at
   * full speed.
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

/** A comparison in constant time needs values of one length. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
