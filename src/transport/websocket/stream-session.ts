import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { RawData, WebSocket } from 'ws'
import type { Session } from '../../session/session.ts'
import type { Sessions } from '../../session/sessions.ts'
import type { WebSocketTransport } from './websocket-transport.ts'
import { readBearerToken } from '../../auth/request-headers.ts'

/** A WebSocket that was just accepted. */
interface AcceptedConnection {
  readonly webSocket: WebSocket
  readonly transport: WebSocketTransport
  readonly request: IncomingMessage
  readonly address: string
  readonly ageMs: number
  /** The name of the feed that the client asked for. */
  readonly feed: string
}

/** What happens at the end of a connection. */
interface ConnectionEnd {
  readonly log: FastifyBaseLogger
  readonly onEnd: () => void
}

/**
 * Runs one connection from its handshake to its end, which writes one line to the log. No listener is added
 * by `once`, which takes 180 bytes more: the end comes only once.
 */
export function runSession(
  connection: AcceptedConnection,
  sessions: Sessions,
  { log, onEnd }: ConnectionEnd,
): Session {
  const { webSocket, transport, request, address, ageMs, feed } = connection
  const begunMs = performance.now()
  const session = sessions.open(transport, { address, ageMs, feed })
  let messages = 0
  webSocket.on('message', (data, isBinary) => {
    messages++
    receive(session, data, isBinary)
  })
  // Answered here, not by `ws`: a ping too many ends the session instead.
  webSocket.on('ping', data => {
    if (session.requests.receiveControl() && webSocket.readyState === webSocket.OPEN) webSocket.pong(data)
  })
  webSocket.on('pong', () => {
    transport.answered()
    session.requests.receiveControl()
  })
  // `ws` reports a protocol error of the peer here and closes by itself with the code of RFC 6455.
  let fault: string | undefined
  webSocket.on('error', ({ message }) => {
    fault = message
  })
  webSocket.on('close', code => {
    log.info(
      {
        transport: transport.traits.name,
        code,
        session: session.number,
        feed,
        subject: session.subject,
        durationMs: Math.round(performance.now() - begunMs),
        items: session.size,
        messages,
        ...transport.written,
        // The peer's protocol error: the peer is not read any more, so the code is 1006, whatever it answers.
        ...(fault === undefined ? {} : { fault }),
      },
      'connection ended',
    )
    sessions.remove(session)
    onEnd()
  })
  const authorization = readBearerToken(request.headers.authorization)
  if (authorization.kind === 'token') session.authenticate(authorization.token)
  else if (authorization.kind === 'unusable')
    session.refuseEarly(`${authorization.fault}; a token may still come in an "auth" message`)
  return session
}

/** One chunk of the socket may hold thousands of messages: those after the session's end are ignored. */
function receive(session: Session, data: RawData, isBinary: boolean): void {
  if (session.state === 'ended' || !Buffer.isBuffer(data)) return
  session.receive(isBinary ? data : data.toString('utf8'))
}

/** The reasons for the codes that `ws` closes with by itself, without a reason. At most 123 bytes each. */
function closeReasonsOf(maxMessageBytes: number): ReadonlyMap<number, string> {
  return new Map([
    [1002, 'a frame that is not as RFC 6455 has it'],
    [1007, 'a text that is not UTF-8'],
    [1008, 'a message in too many fragments'],
    [1009, `a message of more than ${maxMessageBytes} bytes; sent again, it ends the connection again`],
  ])
}

/** Makes the WebSockets of a server state a reason when they close for a fault of their peer. */
export function explainFaults(
  { options }: FastifyInstance['websocketServer'],
  maxMessageBytes: number,
): void {
  const { WebSocket } = options
  if (WebSocket === undefined) return
  const reasons = closeReasonsOf(maxMessageBytes)
  options.WebSocket = class StreamSocket extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, reason ?? (code === undefined ? undefined : reasons.get(code)))
    }
  }
}
