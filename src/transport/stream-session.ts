import type { IncomingMessage } from 'node:http'
import type { FastifyBaseLogger } from 'fastify'
import type { RawData, WebSocket } from 'ws'
import { readAuthorization } from '../auth/bearer-token.ts'
import type { Session } from '../session/session.ts'
import type { Sessions } from '../session/sessions.ts'
import type { WebSocketTransport } from './web-socket-transport.ts'

/** A WebSocket that was just accepted. */
export interface StreamConnection {
  readonly webSocket: WebSocket
  readonly transport: WebSocketTransport
  readonly request: IncomingMessage
  readonly address: string
  readonly ageMs: number
}

/** Who is told of the end of a connection. */
export interface StreamEnd {
  readonly log: FastifyBaseLogger
  readonly gone: () => void
}

/**
 * Runs one connection from its handshake to its end, which is the one line it leaves in the log. It has few listeners, and none by
 * `once`, which takes 180 bytes more: the end comes only once.
 */
export function runSession(
  connection: StreamConnection,
  sessions: Sessions,
  { log, gone }: StreamEnd,
): Session {
  const { webSocket, transport, request, address, ageMs } = connection
  const begunMs = performance.now()
  const session = sessions.open(transport, { address, ageMs })
  let messages = 0
  webSocket.on('message', (data, isBinary) => {
    messages++
    receive(session, data, isBinary)
  })
  // Answered here, not by `ws`: a ping that is one too many ends the session instead.
  webSocket.on('ping', data => {
    if (session.receiveControl() && webSocket.readyState === webSocket.OPEN) webSocket.pong(data)
  })
  webSocket.on('pong', () => {
    transport.answered()
    session.receiveControl()
  })
  // `ws` reports a protocol error of the peer here and closes by itself with the code of RFC 6455.
  let fault: string | undefined
  webSocket.on('error', ({ message }) => {
    fault = message
  })
  webSocket.on('close', code => {
    log.info(
      {
        code,
        session: session.number,
        subject: session.subject,
        durationMs: Math.round(performance.now() - begunMs),
        items: session.size,
        messages,
        ...transport.written,
        // What the peer did wrong: it is not read any more, so the code is 1006, whatever it answers.
        ...(fault === undefined ? {} : { fault }),
      },
      'connection ended',
    )
    sessions.gone(session)
    gone()
  })
  const authorization = readAuthorization(request.headers.authorization)
  if (authorization.kind === 'token') session.authenticate(authorization.token)
  else if (authorization.kind === 'unusable') session.refuseAuthorization(authorization.fault)
  return session
}

/** One chunk of the socket may hold thousands of messages: those after the session's end are not even read. */
function receive(session: Session, data: RawData, isBinary: boolean): void {
  if (session.state === 'ended' || !Buffer.isBuffer(data)) return
  if (isBinary) session.receiveBinary(data.length)
  else session.receive(data.toString('utf8'))
}
