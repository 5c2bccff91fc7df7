import type { CloseReason } from '../../protocol/close-reason.ts'
import type { RequestFault } from '../../protocol/request-fault.ts'

/** The answer to a request that gets no events. */
export interface HttpRefusal {
  readonly status: number
  readonly error: string
  readonly headers?: Readonly<Record<string, string>>
}

/** How long to wait after a refusal that may not last. */
const retryAfter = (seconds: number): Readonly<Record<string, string>> => ({ 'retry-after': String(seconds) })

/** RFC 6750 §3: the challenge names the scheme, and the error where a token was there. */
const challenge = (error?: 'invalid_token' | 'insufficient_scope'): Readonly<Record<string, string>> => ({
  'www-authenticate': error === undefined ? 'Bearer' : `Bearer error="${error}"`,
})

export function refuseWithoutToken(error: string): HttpRefusal {
  return { status: 401, error, headers: challenge() }
}

/** Returns what a client is answered whose session ended before its response began. */
export function refusalOf(reason: CloseReason, fault: RequestFault | undefined): HttpRefusal {
  const error = fault?.detail ?? 'the session has ended; try again'
  switch (reason) {
    case 'rejected':
      return refusalOfRequest(fault, error)
    case 'unauthorized':
      return fault?.code === 409 || fault?.cause === 'scope'
        ? { status: 403, error, headers: challenge('insufficient_scope') }
        : { status: 401, error, headers: challenge('invalid_token') }
    case 'tokenExpired':
    case 'revoked':
      return { status: 401, error, headers: challenge('invalid_token') }
    case 'connectionLimit':
      return refusalOfSlot(fault, error)
    case 'tooManyMessages':
      return { status: 429, error, headers: retryAfter(5) }
    case 'dismissed':
      return { status: 403, error: 'the session was ended by the operator' }
    case 'internal':
      return fault?.cause === 'outage'
        ? { status: 503, error, headers: retryAfter(1) }
        : { status: 500, error: 'internal error' }
    case 'draining':
      return { status: 503, error: 'this node is leaving; try again', headers: retryAfter(1) }
    case 'authTimeout':
    case 'tooSlow':
    case 'unreachable':
    default:
      return { status: 503, error, headers: retryAfter(1) }
  }
}

/** A subscription that the client has to mend, or may not have. */
function refusalOfRequest(fault: RequestFault | undefined, error: string): HttpRefusal {
  if (fault?.code === 409) return { status: 403, error, headers: challenge('insufficient_scope') }
  if (fault?.code === 406) return refusalOfSlot(fault, error)
  return { status: fault?.code === 500 ? 500 : 400, error }
}

function refusalOfSlot(fault: RequestFault | undefined, error: string): HttpRefusal {
  const status = fault?.cause === 'share' ? 429 : 503
  return { status, error, headers: retryAfter(5) }
}
