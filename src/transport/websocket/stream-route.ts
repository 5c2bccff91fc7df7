import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import fastifyWebSocket from '@fastify/websocket'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type AllowedOrigins, isOriginAllowed } from '../../auth/origin-policy.ts'
import { SlicedVisit } from '../../limits/sliced-visit.ts'
import type { Session } from '../../session/session.ts'
import type { Sessions } from '../../session/sessions.ts'
import { deflateWindowBits } from '../../wire/prepared-frame.ts'
import type { WireForm } from '../../wire/wire-form.ts'
import type { HandshakeAdmission } from '../handshake-admission.ts'
import { refuseSocket } from '../http-refusals.ts'
import {
  type HandshakeRefusal,
  type HandshakeRefusalCounts,
  acceptableOffer,
  createHandshakeRefusalCounts,
} from './handshake-check.ts'
import { explainFaults, runSession } from './stream-session.ts'
import { WebSocketTransport } from './websocket-transport.ts'

const streamPath = '/v1/stream'

/** A message of the usual clients is one frame; proxies may cut it into some, at least of a few kB. */
const maxFragments = 256

/**
 * Every message of the server begins anew, with a window that ours fit in, so that one compressed frame does for all; those of clients do as
 * well, so that no session keeps a window of 32 kB for them.
 */
const deflateAnswer = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: deflateWindowBits,
}

export interface StreamOptions {
  readonly sessions: Sessions
  /** How sessions may speak; who offers no subprotocol gets JSON. */
  readonly forms: readonly [WireForm, ...WireForm[]]
  readonly allowedOrigins: AllowedOrigins
  /** Paces handshakes and counts connections. */
  readonly admission: HandshakeAdmission
  /** The address that a request counts as from; that of its connection if left out. */
  readonly addressOf?: (request: IncomingMessage) => string
  /** Tells trusted proxies, whose connections are of many clients; none if left out. */
  readonly isProxy?: (address: string) => boolean
  /** How long a connection has existed at its handshake; 0 if left out. */
  readonly ageMsOf?: (socket: Duplex) => number
  /** Whether the feed is warmed up and the node is not leaving. */
  readonly isReady: () => boolean
  /** Whether the node is short of memory, and takes nobody in; never, if left out. */
  readonly isShort?: () => boolean
  readonly maxMessageBytes: number
  readonly maxUnsentBytes: number
  readonly pingMs: number
  /** Whether clients that offer `permessage-deflate` get large frames compressed. */
  readonly deflate: 'on' | 'off'
  readonly closeTimeoutMs?: number
  readonly log: FastifyBaseLogger
}

/** A refused handshake: the answer says why, for whoever reads the client's log. */
interface Refusal {
  readonly status: number
  readonly reason: HandshakeRefusal
  readonly message: string
  readonly retryAfterS?: number
}

/** Serves `/v1/stream`. The counts are of handshakes refused before they became sessions. */
export async function serveStream(
  app: FastifyInstance,
  options: StreamOptions,
): Promise<HandshakeRefusalCounts> {
  const refusals = createHandshakeRefusalCounts()
  const connections = new Map<WebSocketTransport, Session>()
  const probes = new SlicedVisit(() => connections.entries())
  const pings = setInterval(() => probes.begin(probe), options.pingMs)
  app.addHook('onClose', () => {
    clearInterval(pings)
    probes.stop()
  })
  // Those that are still there were told to go, and have had their time (`Sessions.drain`); the server waits for every connection.
  app.addHook('preClose', done => {
    for (const transport of connections.keys()) transport.terminate()
    done()
  })
  await app.register(fastifyWebSocket, {
    // `ws` reports a peer's protocol error to the listener below, and answers it.
    errorHandler: () => undefined,
    options: {
      maxPayload: options.maxMessageBytes,
      maxFragments,
      autoPong: false,
      perMessageDeflate: options.deflate === 'on' && deflateAnswer,
      clientTracking: true,
      handleProtocols: offered => formOf(options.forms, offered)?.subprotocol ?? false,
    },
  })
  explainFaults(app.websocketServer, options.maxMessageBytes)
  app.websocketServer.on('wsClientError', ({ message }, socket) => {
    refusals.malformed++
    refuseSocket(socket, 400, message)
  })
  app.addHook('onRequest', async ({ ws, raw: { socket } }, reply) => {
    const { remoteAddress = '' } = socket
    if (ws || options.isProxy?.(remoteAddress) === true) return
    const fault = await options.admission.admitPlain(socket, remoteAddress)
    if (fault === undefined) return
    refusals[fault]++
    await answer(reply.header('connection', 'close'), refusalOf[fault])
  })
  // The plugin would upgrade every other route as well, past the checks below, and log its URL.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.ws || request.routeOptions.url === streamPath) return
    await answer(reply, { status: 404, message: `there is no WebSocket here: ${streamPath}` })
  })
  app.route({
    method: 'GET',
    url: streamPath,
    preValidation: async (request, reply) => {
      const refusal = refuse(request, options) ?? (request.ws ? await admit(request.raw, options) : undefined)
      if (refusal === undefined) {
        chooseOffer(request.raw)
        // A socket holds its response, and with it the whole request, until it is detached.
        if (request.ws) reply.raw.detachSocket(request.raw.socket)
        return
      }
      refusals[refusal.reason]++
      await answer(reply, refusal)
    },
    handler: (_request, reply) => answer(reply, plainHttp),
    wsHandler: (webSocket, request) => {
      // The plugin's listener holds the request and its reply; ours, added below, takes its place.
      webSocket.removeAllListeners('error')
      const form = formOf(options.forms, [webSocket.protocol]) ?? options.forms[0]
      const { sessions, log, maxUnsentBytes, closeTimeoutMs = 5000, ageMsOf = () => 0 } = options
      const { raw } = request
      const { socket } = raw
      const address = addressOf(raw, options)
      const transport = new WebSocketTransport({ webSocket, socket, form, maxUnsentBytes, closeTimeoutMs })
      const connection = { webSocket, transport, request: raw, address, ageMs: ageMsOf(socket) }
      const gone = (): void => void connections.delete(transport)
      connections.set(transport, runSession(connection, sessions, { log, gone }))
    },
  })
  return refusals
}

function refuse(request: FastifyRequest, options: StreamOptions): Refusal | undefined {
  const { origin } = request.headers
  if (!options.isReady()) {
    return {
      status: 503,
      retryAfterS: 1,
      reason: 'not_ready',
      message: 'not ready: still reading the log, or leaving; try again',
    }
  }
  if (options.isShort?.() === true) {
    return {
      status: 503,
      retryAfterS: 10,
      reason: 'memory',
      message:
        'this node is short of memory (TICKER_MEMORY_LIMIT_BYTES): try another one, or again after a while',
    }
  }
  if (!isOriginAllowed(origin, options.allowedOrigins)) {
    return { status: 403, reason: 'origin', message: `Origin ${origin}: not among TICKER_ALLOWED_ORIGINS` }
  }
  if (request.url.includes('?')) {
    return {
      status: 400,
      reason: 'query',
      message:
        'no query is taken here: a token goes into the Authorization header or the "auth" message, never into a URL',
    }
  }
  // `ws` takes the draft 8 as well, whose browsers send no `Origin` (draft-ietf-hybi-thewebsocketprotocol-08 §1.6).
  if (request.ws && request.headers['sec-websocket-version'] !== '13') {
    return { status: 426, reason: 'version', message: 'expected Sec-WebSocket-Version: 13 (RFC 6455)' }
  }
  const offered = request.headers['sec-websocket-protocol']
  if (request.ws && offered !== undefined && formOf(options.forms, splitProtocols(offered)) === undefined) {
    const known = options.forms.map(form => form.subprotocol).join(', ')
    return {
      status: 400,
      reason: 'subprotocol',
      message: `Sec-WebSocket-Protocol ${offered}: expected ${known}, or none`,
    }
  }
  return undefined
}

const plainHttp = {
  status: 426,
  message: 'this is a WebSocket endpoint: connect with the scheme ws or wss (PROTOCOL.md)',
}

/** Waits for the handshake's turn, and claims its place until the connection is gone. */
async function admit(raw: IncomingMessage, options: StreamOptions): Promise<Refusal | undefined> {
  const admitted = await options.admission.admit(addressOf(raw, options))
  if ('fault' in admitted) return { reason: admitted.fault, ...refusalOf[admitted.fault] }
  if (raw.socket.destroyed) admitted.release()
  else raw.socket.on('close', admitted.release)
  return undefined
}

function addressOf(request: IncomingMessage, options: StreamOptions): string {
  return options.addressOf?.(request) ?? request.socket.remoteAddress ?? ''
}

const refusalOf = {
  address: {
    status: 429,
    message: 'too many connections from this address (TICKER_MAX_CONNECTIONS_PER_ADDRESS)',
    retryAfterS: 5,
  },
  rate: {
    status: 429,
    message: 'too many handshakes at once; connect again after a while, with a growing, jittered delay',
    retryAfterS: 5,
  },
  silence: {
    status: 503,
    message: 'the limits of this node cannot be asked for at the moment; try again',
    retryAfterS: 1,
  },
} as const

async function answer(reply: FastifyReply, refusal: Omit<Refusal, 'reason'>): Promise<void> {
  if (refusal.retryAfterS !== undefined) reply.header('retry-after', String(refusal.retryAfterS))
  if (refusal.status === 426) reply.headers({ upgrade: 'websocket', 'sec-websocket-version': '13' })
  await reply.code(refusal.status).send({ error: refusal.message })
}

function splitProtocols(offered: string): string[] {
  return offered.split(',').map(name => name.trim())
}

/** Leaves `ws` the one offer of compression that can be accepted, if there is one. */
function chooseOffer({ headers }: IncomingMessage): void {
  const name = 'sec-websocket-extensions'
  if (headers[name] === undefined) return
  try {
    const chosen = acceptableOffer(headers[name])
    if (chosen === undefined) delete headers[name]
    else headers[name] = chosen
  } catch {
    // Malformed: `ws` refuses it.
  }
}

/** The first form that the client offers and the gateway has. */
function formOf(forms: readonly WireForm[], offered: Iterable<string>): WireForm | undefined {
  for (const name of offered) {
    const form = forms.find(candidate => candidate.subprotocol === name)
    if (form !== undefined) return form
  }
  return undefined
}

/** Ends a connection whose peer has not answered the last ping; that of one that is behind may lie behind its data. */
function probe([transport, session]: readonly [WebSocketTransport, Session]): void {
  if (!transport.probe() && session.isCaughtUp) session.end('silence')
}
