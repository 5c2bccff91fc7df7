/** How a connection ended, or why there was none. */
export type ConnectionEnd =
  /** Closed, with a code of RFC 6455 §7.4 or of the gateway. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  /** The gateway answered the handshake with another HTTP status. */
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly message: string
      readonly retryAfterMs: number
    }
  /** The gateway refused the subscription. */
  | { readonly kind: 'denied'; readonly message: string }
  /** There was no connection; `code` is Node's error code, where it has one. */
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string | undefined }

/** Protocol errors, which the same client would repeat (RFC 6455 §7.4.1). */
const protocolFaults: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010])

/** Whether connecting again can help (`PROTOCOL.md` §7). A first connection that fails is not tried again. */
export function isRetryable(ending: ConnectionEnd, hasBeenConnected: boolean): boolean {
  if (ending.kind === 'denied') return false
  if (ending.kind === 'failed') return hasBeenConnected
  if (ending.kind === 'refused') return ending.status === 503 || ending.status === 429
  const { code } = ending
  return !protocolFaults.has(code) && (code < 4500 || code > 4999)
}

/** Describes the end in words. */
export function describeConnectionEnd(ending: ConnectionEnd): string {
  if (ending.kind === 'closed') {
    const { code, reason } = ending
    return `the connection was closed (${reason === '' ? code : `${code} ${reason}`})`
  }
  if (ending.kind === 'refused') return `the gateway refused (HTTP ${ending.status}: ${ending.message})`
  return ending.message
}

/** Returns a cure for the end of a connection, where one is known; begins with a semicolon. */
export function cureFor(ending: ConnectionEnd, url: URL, isLocal: boolean): string {
  if (ending.kind !== 'failed') return ''
  const { code = '' } = ending
  if (code === 'ECONNREFUSED') return isLocal ? '; npm start starts a gateway' : ''
  // The server answered a TLS handshake with something other than TLS.
  if (url.protocol === 'wss:' && code === 'EPROTO')
    return `; the server does not use TLS: --url ws://${url.host}`
  const isCut = code === 'ECONNRESET' || code.startsWith('HPE_')
  if (url.protocol === 'ws:' && isCut) return `; the server may use TLS: --url wss://${url.host}`
  return ''
}
