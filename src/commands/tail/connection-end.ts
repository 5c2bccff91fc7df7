/** How a connection ended, or why there was none. */
export type ConnectionEnd =
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
  /** There was no connection; `code` is Node's for why, where it has one. */
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string | undefined }

/** Faults of the protocol, which the same client would repeat (RFC 6455 §7.4.1). */
const protocolFaults: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010])

/** Whether connecting again can help (`PROTOCOL.md` §7); where nothing has ever answered, it cannot. */
export function isRetryable(ending: ConnectionEnd, hasBeenConnected: boolean): boolean {
  if (ending.kind === 'denied') return false
  if (ending.kind === 'failed') return hasBeenConnected
  if (ending.kind === 'refused') return ending.status === 503 || ending.status === 429
  const { code } = ending
  return !protocolFaults.has(code) && (code < 4500 || code > 4999)
}

/** The ending in words. */
export function describeConnectionEnd(ending: ConnectionEnd): string {
  if (ending.kind === 'closed') {
    const { code, reason } = ending
    return `the connection was closed (${reason === '' ? code : `${code} ${reason}`})`
  }
  if (ending.kind === 'refused') return `the gateway refused (HTTP ${ending.status}: ${ending.message})`
  return ending.message
}

/** What to do about an ending, where that is known; begins with a semicolon. */
export function cureOf(ending: ConnectionEnd, url: URL, isLocal: boolean): string {
  if (ending.kind !== 'failed') return ''
  const { code = '' } = ending
  if (code === 'ECONNREFUSED') return isLocal ? '; npm start starts a gateway' : ''
  // OpenSSL read something else than TLS; HTTP was answered by something else than HTTP, or by the end.
  if (url.protocol === 'wss:' && code === 'EPROTO') return `; no TLS is spoken there: --url ws://${url.host}`
  const isCut = code === 'ECONNRESET' || code.startsWith('HPE_')
  if (url.protocol === 'ws:' && isCut) return `; perhaps TLS is spoken there: --url wss://${url.host}`
  return ''
}
