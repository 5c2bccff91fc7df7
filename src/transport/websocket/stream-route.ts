import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import fastifyWebSocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SlicedVisit } from '../../limits/sliced-visit.ts'
import type { Session } from '../../session/session.ts'
import type { Sessions } from '../../session/sessions.ts'
import { deflateWindowBits } from '../../wire/payload.ts'
import {
  admissionRefusals,
  type AdmissionRules,
  type HandshakeRefusalCounts,
  refuseRequest,
} from '../admission.ts'
import type { HandshakeAdmission } from '../handshake-admission.ts'
import { refuseSocket } from '../http-refusals.ts'
import {
  checkHandshake,
  chooseForm,
  keepAcceptableOffer,
  subprotocolOf,
  type WebSocketRefusal,
} from './handshake-check.ts'
import { explainFaults, runSession } from './stream-session.ts'
import { WebSocketTransport } from './websocket-transport.ts'

const streamPath = '/v1/stream'
/** The stream of a feed by its name. */
const feedPath = `${streamPath}/:feed`

/** A message of the usual clients is one frame; proxies may cut it into some, at least of a few kB. */
const maxFragments = 256

/**
 * Every message of the server begins anew, with a window that ours fit in, so that one compressed frame
 * serves all sessions. Messages of clients begin anew, too, so that no session keeps a window of 32 kB for
 * them.
 */
const deflateAnswer = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: deflateWindowBits,
}

type RefusalCounts = HandshakeRefusalCounts<WebSocketRefusal['reason']>

export interface StreamOptions extends AdmissionRules {
  readonly sessions: Sessions
  /** Limits handshakes and connections. */
  readonly admission: HandshakeAdmission
  /** Counts the handshakes that were refused. */
  readonly refusals: RefusalCounts
  /** Returns the address that a request counts for; that of its connection if left out. */
  readonly addressOf?: (request: IncomingMessage) => string
  /** Returns how long a connection has existed at its handshake; 0 if left out. */
  readonly ageMsOf?: (socket: Duplex) => number
  readonly maxMessageBytes: number
  readonly maxUnsentBytes: number
  readonly pingMs: number
  /** Whether clients that offer `permessage-deflate` get large frames compressed. */
  readonly deflate: 'on' | 'off'
  readonly closeTimeoutMs?: number
  readonly log: FastifyBaseLogger
}

/** Serves the first feed at `/v1/stream`, and each at `/v1/stream/NAME`. */
export async function serveStream(app: FastifyInstance, options: StreamOptions): Promise<void> {
  const { refusals } = options
  const connections = new Map<WebSocketTransport, Session>()
  const probes = new SlicedVisit(() => connections.entries())
  const pings = setInterval(() => probes.begin(probe), options.pingMs)
  app.addHook('onClose', () => {
    clearInterval(pings)
    probes.stop()
  })
  // Connections that are still there have had their time to leave (`Sessions.drain`); the server waits for
  // each.
  app.addHook('preClose', done => {
    for (const transport of connections.keys()) transport.terminate()
    done()
  })
  await registerWebSocket(app, options)
  refuseOtherUpgrades(app)
  const route = {
    method: 'GET',
    preValidation: async (request: FastifyRequest, reply: FastifyReply) => {
      const refusal =
        checkRequest(request, options) ?? (request.ws ? await admit(request.raw, options) : undefined)
      if (refusal === undefined) {
        keepAcceptableOffer(request.raw)
        // A socket holds its response, and with it the whole request, until it is detached.
        if (request.ws) reply.raw.detachSocket(request.raw.socket)
        return
      }
      refusals[refusal.reason]++
      await refuse(reply, refusal)
    },
    handler: (_request: FastifyRequest, reply: FastifyReply) => refuse(reply, plainHttp),
    wsHandler: (webSocket: WebSocket, request: FastifyRequest) =>
      acceptConnection(webSocket, request, { connections, options }),
  }
  app.route({ ...route, url: streamPath })
  app.route({ ...route, url: feedPath })
}

function checkRequest(request: FastifyRequest, options: StreamOptions): WebSocketRefusal | undefined {
  const { feeds } = options.sessions
  const name = feedOf(request)
  const feed = feeds.find(name)
  if (feed !== undefined) return checkHandshake(request, feed, options)
  return { status: 404, reason: 'feed', message: feeds.explainUnknown(name ?? '') }
}

/** Returns the name of the feed in the path, if it has one. */
function feedOf({ params }: Pick<FastifyRequest, 'params'>): string | undefined {
  const isNamed = typeof params === 'object' && params !== null && 'feed' in params
  return isNamed && typeof params.feed === 'string' ? params.feed : undefined
}

async function registerWebSocket(
  app: FastifyInstance,
  { maxMessageBytes, deflate, sessions, refusals }: StreamOptions,
): Promise<void> {
  await app.register(fastifyWebSocket, {
    // `ws` reports a peer's protocol error to the listener below, and answers it.
    errorHandler: () => undefined,
    options: {
      maxPayload: maxMessageBytes,
      maxFragments,
      autoPong: false,
      perMessageDeflate: deflate === 'on' && deflateAnswer,
      clientTracking: true,
      // Every feed has forms of the same subprotocols.
      handleProtocols: offered => {
        const form = chooseForm(sessions.feeds.first.forms, offered)
        return form === undefined ? false : subprotocolOf(form)
      },
    },
  })
  explainFaults(app.websocketServer, maxMessageBytes)
  app.websocketServer.on('wsClientError', ({ message }, socket) => {
    refusals.malformed++
    refuseSocket(socket, 400, message)
  })
}

/** The plugin would upgrade every other route as well, past the checks of the stream, and log its URL. */
function refuseOtherUpgrades(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions
    if (!request.ws || url === streamPath || url === feedPath) return
    await refuseRequest(reply, { status: 404, message: `there is no WebSocket here: ${streamPath}` })
  })
}

interface StreamConnections {
  readonly connections: Map<WebSocketTransport, Session>
  readonly options: StreamOptions
}

function acceptConnection(
  webSocket: WebSocket,
  { raw: request, params }: FastifyRequest,
  { connections, options }: StreamConnections,
): void {
  // The plugin's listener holds the request and its reply; that of `runSession` takes its place.
  webSocket.removeAllListeners('error')
  const { sessions, log, maxUnsentBytes, closeTimeoutMs = 5000, ageMsOf = () => 0 } = options
  const { name: feed, forms } = sessions.feeds.find(feedOf({ params })) ?? sessions.feeds.first
  const form = chooseForm(forms, [webSocket.protocol]) ?? forms[0]
  const { socket } = request
  const transport = new WebSocketTransport({ webSocket, socket, form, maxUnsentBytes, closeTimeoutMs })
  const address = addressOf(request, options)
  const connection = { webSocket, transport, request, address, ageMs: ageMsOf(socket), feed }
  const onEnd = (): void => void connections.delete(transport)
  connections.set(transport, runSession(connection, sessions, { log, onEnd }))
}

const plainHttp = {
  status: 426,
  message: 'this is a WebSocket endpoint: connect with the scheme ws or wss (PROTOCOL.md)',
}

/** Waits for the handshake's turn, and acquires a slot until the connection is gone. */
async function admit(raw: IncomingMessage, options: StreamOptions): Promise<WebSocketRefusal | undefined> {
  const admitted = await options.admission.admit(addressOf(raw, options))
  if ('refusal' in admitted) return { reason: admitted.refusal, ...admissionRefusals[admitted.refusal] }
  if (raw.socket.destroyed) admitted.release()
  else raw.socket.on('close', admitted.release)
  return undefined
}

function addressOf(request: IncomingMessage, options: StreamOptions): string {
  return options.addressOf?.(request) ?? request.socket.remoteAddress ?? ''
}

async function refuse(reply: FastifyReply, refusal: Omit<WebSocketRefusal, 'reason'>): Promise<void> {
  if (refusal.status === 426) reply.headers({ upgrade: 'websocket', 'sec-websocket-version': '13' })
  await refuseRequest(reply, refusal)
}

/**
 * Ends a connection whose peer has not answered the last ping. Where the session is behind, the ping may
 * still lie behind its data.
 */
function probe([transport, session]: readonly [WebSocketTransport, Session]): void {
  if (!transport.probe() && session.isCaughtUp) session.end('silence')
}
