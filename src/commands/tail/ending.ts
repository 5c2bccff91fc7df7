/** How a connection ended, or why there was none. */
export type Ending =
  /** Closed, with the code of RFC 6455 §7.4 or of the gateway. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  /** The handshake was answered with an HTTP status. */
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly message: string
      readonly retryAfterMs: number
    }
  /** The gateway refused what was asked for. */
  | { readonly kind: 'denied'; readonly message: string }
  /** Nothing answered. */
  | { readonly kind: 'failed'; readonly message: string }

/** Faults of the protocol, which the same client would repeat (RFC 6455 §7.4.1). */
const protocolFaults: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010])

/** Whether connecting again can help (`PROTOCOL.md` §7); where nothing has ever answered, it cannot. */
export function isRetryable(ending: Ending, hasBeenConnected: boolean): boolean {
  if (ending.kind === 'denied') return false
  if (ending.kind === 'failed') return hasBeenConnected
  if (ending.kind === 'refused') return ending.status === 503 || ending.status === 429
  const { code } = ending
  return !protocolFaults.has(code) && (code < 4500 || code > 4999)
}

/** The ending in words. */
export function describeEnding(ending: Ending): string {
  if (ending.kind === 'closed') {
    const { code, reason } = ending
    return `the connection was closed (${reason === '' ? code : `${code} ${reason}`})`
  }
  if (ending.kind === 'refused') return `the gateway refused (HTTP ${ending.status}: ${ending.message})`
  return ending.message
}
