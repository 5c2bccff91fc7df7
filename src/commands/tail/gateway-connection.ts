import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { readFrame, type StreamMessage } from './stream-message.ts'

/** How each side authenticates to the other. */
export interface Credentials {
  readonly token: string
  /**
   * Certificates (PEM) of the authorities for the gateway's certificate; `undefined`: those that Node knows.
   */
  readonly trusted: string[] | undefined
}

interface GatewayConnectionOptions extends Credentials {
  readonly url: URL
  /** The `subscribe` message, without an id. Sent once the token is accepted. */
  readonly subscribe: object
  /** Called for each frame, with its messages. */
  readonly onFrame: (text: string, messages: readonly StreamMessage[]) => void
}

const requestId = 1
const handshakeTimeoutMs = 10_000
/** How many heartbeats may be missed before the connection counts as dead. */
const maxMissedHeartbeats = 4
const defaultHeartbeatMs = 15_000
const closeTimeoutMs = 2000
const maxBodyCharacters = 2000

/** A connection to a gateway's stream: authenticates, subscribes, and passes on the frames. */
export class GatewayConnection {
  /** Resolves when the connection has ended, or could not be made. */
  readonly ended: Promise<ConnectionEnd>
  readonly #options: GatewayConnectionOptions
  readonly #webSocket: WebSocket
  readonly #end: (ending: ConnectionEnd) => void
  #heartbeatMs = defaultHeartbeatMs
  #watchdog: NodeJS.Timeout | undefined

  constructor(options: GatewayConnectionOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<ConnectionEnd>()
    this.ended = promise
    this.#end = resolve
    this.#webSocket = new WebSocket(options.url, 'ticker.v1.json', {
      headers: { authorization: `Bearer ${options.token}` },
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
      ...(options.trusted && { ca: options.trusted }),
    })
    this.#listen()
  }

  /** Stops reading from the network until `resume`; the gateway then treats the client as slow. */
  pause(): void {
    this.#webSocket.pause()
    clearTimeout(this.#watchdog)
  }

  resume(): void {
    this.#webSocket.resume()
    this.#restartWatchdog()
  }

  /** Closes the connection; terminates it where the gateway does not answer. */
  close(): void {
    if (this.#webSocket.readyState === WebSocket.CLOSED) return
    // A paused socket would not receive the answer.
    this.#webSocket.resume()
    this.#webSocket.close(1000)
    setTimeout(() => this.#webSocket.terminate(), closeTimeoutMs).unref()
  }

  #listen(): void {
    const webSocket = this.#webSocket
    webSocket.on('unexpected-response', (_request, response) => void this.#endByHandshake(response))
    webSocket.on('error', error => {
      const { host } = this.#options.url
      const code = 'code' in error ? String(error.code) : undefined
      this.#end({ kind: 'failed', message: `${host}: no connection (${reasonOf(error)})`, code })
    })
    webSocket.on('open', () => this.#restartWatchdog())
    webSocket.on('message', data => {
      if (Buffer.isBuffer(data)) this.#receive(data.toString('utf8'))
      this.#restartWatchdog()
    })
    webSocket.on('ping', () => this.#restartWatchdog())
    webSocket.on('close', (code, reason) => {
      clearTimeout(this.#watchdog)
      this.#end({ kind: 'closed', code, reason: reason.toString('utf8') })
    })
  }

  #receive(text: string): void {
    const messages = readFrame(text) ?? []
    for (const message of messages) {
      if (message.T === 'success' && message['msg'] === 'authenticated') this.#subscribe(message)
      if (message.T === 'error' && message['id'] === requestId) this.#endBySubscription(message)
    }
    this.#options.onFrame(text, messages)
  }

  #subscribe({ heartbeatMs }: StreamMessage): void {
    if (typeof heartbeatMs === 'number') this.#heartbeatMs = heartbeatMs
    this.#webSocket.send(JSON.stringify({ action: 'subscribe', id: requestId, ...this.#options.subscribe }))
  }

  #endBySubscription({ code, msg }: StreamMessage): void {
    this.#end({
      kind: 'subscriptionRefused',
      message: `the subscription was refused (${String(code)} ${String(msg)})`,
    })
    this.close()
  }

  /** Reads the gateway's reason for the refusal. */
  async #endByHandshake(response: IncomingMessage): Promise<void> {
    const { statusCode = 0, headers } = response
    const body = await readBody(response)
    this.#end({
      kind: 'handshakeRefused',
      status: statusCode,
      message: errorOf(body) ?? response.statusMessage ?? 'no reason given',
      // NaN: the header was a date.
      retryAfterMs: Number(headers['retry-after'] ?? 0) * 1000 || 0,
    })
    this.#webSocket.terminate()
  }

  /** Restarts the watchdog. While the socket is paused no sign of life can arrive. */
  #restartWatchdog(): void {
    clearTimeout(this.#watchdog)
    if (this.#webSocket.isPaused) return
    const silenceMs = this.#heartbeatMs * maxMissedHeartbeats
    this.#watchdog = setTimeout(() => {
      this.#end({ kind: 'closed', code: 1006, reason: `nothing came for ${silenceMs / 1000} s` })
      this.#webSocket.terminate()
    }, silenceMs)
  }
}

/**
 * Returns the reason in words. For a name with several addresses Node reports all errors together, without a
 * message.
 */
function reasonOf(error: Error): string {
  // OpenSSL's message consists of its source position and internal terms.
  if ('code' in error && error.code === 'EPROTO') return 'the answer is not TLS'
  if (error.message !== '') return error.message
  return 'code' in error ? String(error.code) : error.name
}

/** Reads the beginning of a response, as far as it comes in time. */
async function readBody(response: IncomingMessage): Promise<string> {
  let body = ''
  const timeout = setTimeout(() => response.destroy(), closeTimeoutMs)
  try {
    for await (const chunk of response) {
      body += String(chunk)
      if (body.length > maxBodyCharacters) break
    }
  } catch {
    // The part that came is used.
  }
  clearTimeout(timeout)
  return body
}

/** Returns the `error` of a JSON response. */
function errorOf(body: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(body)
    if (typeof answer === 'object' && answer !== null && 'error' in answer) return String(answer.error)
  } catch {
    // Not from a gateway; from a proxy, perhaps.
  }
  return undefined
}

/** How a connection ended, or why there was none. */
export type ConnectionEnd =
  /** Closed, with a code of RFC 6455 §7.4 or of the gateway. */
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  /** The gateway answered the handshake with another HTTP status. */
  | {
      readonly kind: 'handshakeRefused'
      readonly status: number
      readonly message: string
      readonly retryAfterMs: number
    }
  /** The gateway refused the subscription. */
  | { readonly kind: 'subscriptionRefused'; readonly message: string }
  /** There was no connection; `code` is Node's error code, where it has one. */
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string | undefined }

/** Protocol errors, which the same client would repeat (RFC 6455 §7.4.1). */
const protocolFaults: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010])

/** Whether connecting again can help (`PROTOCOL.md` §7). A first connection that fails is not tried again. */
export function isRetryable(ending: ConnectionEnd, hasBeenConnected: boolean): boolean {
  if (ending.kind === 'subscriptionRefused') return false
  if (ending.kind === 'failed') return hasBeenConnected
  if (ending.kind === 'handshakeRefused') {
    // 502 and 504 are those of a proxy that finds no gateway, as when all of them restart.
    const isProxyFault = ending.status === 502 || ending.status === 504
    return ending.status === 503 || ending.status === 429 || (hasBeenConnected && isProxyFault)
  }
  const { code } = ending
  return !protocolFaults.has(code) && (code < 4500 || code > 4999)
}

/** Describes the end in words. */
export function describeConnectionEnd(ending: ConnectionEnd): string {
  if (ending.kind === 'closed') {
    const { code, reason } = ending
    return `the connection was closed (${reason === '' ? code : `${code} ${reason}`})`
  }
  if (ending.kind === 'handshakeRefused')
    return `the gateway refused (HTTP ${ending.status}: ${ending.message})`
  return ending.message
}

/** Returns a hint to append, such as `; npm start starts a gateway`, or an empty text. */
export function hintFor(ending: ConnectionEnd, url: URL, isLocal: boolean): string {
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
